"""From the arguments of an endpoint method to its `Request`.

This is the only place where token, datacenter and consistency come in.  Bad input is refused here
and in `consul.core.values`, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consul.core.answers import Indexed, Meta
from consul.core.bodies import texts
from consul.core.limits import Limits
from consul.core.request import DEFAULT_WAIT, SHORTEST_SECRET, Pairs, Request
from consul.core.settings import Settings
from consul.core.values import (
    Text,
    check_consistency,
    duration,
    flag,
    header,
    is_zero,
    number,
    query_text,
    seconds,
    text,
)


def build(
    settings: Settings,
    method: str,
    path: str,
    params: Pairs = (),
    options: Mapping[str, Any] | None = None,
    token: Text | None = None,
    dc: Text | None = None,
    index: object = None,
    wait: object = None,
    reads: bool = False,
    consistency: str | None = None,
    near: Text | None = None,
    *,
    body: bytes | None = None,
    json_body: bool = False,
    secrets: tuple[str, ...] = (),
) -> Request:
    """The request of one call: the only place where token, dc and consistency come in.

    *options* are the further keywords of a call, whose names the endpoint has checked.  They take
    the place of the arguments of the same names.  *reads* says that the servers answer, in one of
    Consul's consistency modes.

    Every call comes through here, most of them with nothing but defaults.  So rare options have
    functions of their own, and a loop stands in place of a comprehension, which before Python 3.12
    costs a call.
    """
    pairs: list[tuple[str, Any]] = []
    for pair in params:
        if pair[1] is not None:
            pairs.append(pair)
    headers, limits, hold = settings.headers, settings.limits, None
    ns, partition = settings.ns, settings.partition
    if options:
        token, dc = options.get("token", token), options.get("dc", dc)
        index, wait = options.get("index", index), options.get("wait", wait)
        consistency, near = options.get("consistency", consistency), options.get("near", near)
        if options.get("ns") is not None:
            ns = text("ns", options["ns"]) or ns
        if options.get("partition") is not None:
            partition = text("partition", options["partition"]) or partition
        if "timeout" in options:
            limits = Limits.of(options["timeout"])
        if options.get("hash") is not None:
            hold = _until_other(options["hash"], wait, pairs)
            wait = None
    if index is not None or wait is not None:
        hold = _blocking(index, wait, pairs)
    if near is not None:
        pairs.append(("near", near))
    if reads:
        if consistency is None or not text("consistency", consistency):
            consistency = settings.consistency
        if consistency != "default":
            pairs.append((check_consistency(consistency), "1"))
    if options:
        headers = (*headers, *_read(options, pairs))
    if dc is None or not text("dc", dc):
        dc = settings.dc
    if dc is not None:
        pairs.append(("dc", dc))
    if ns is not None:
        pairs.append(("ns", ns))
    if partition is not None:
        pairs.append(("partition", partition))
    if token is None or token == "":
        token = settings.token
    elif not token:
        # False or 0, which are no token.
        header("token", token)
    if token:
        token = header("token", token)
        headers = (*headers, ("X-Consul-Token", token))
        if len(token) >= SHORTEST_SECRET:
            secrets = (*secrets, token)
    if body is None and method in ("PUT", "POST"):
        body = b""
    if body is not None:
        kind = "application/json" if json_body else "application/octet-stream"
        headers = (*headers, ("Content-Type", kind))
    return Request(
        method,
        path,
        tuple([(name, query_text(name, value)) for name, value in pairs]) if pairs else (),
        headers,
        body,
        limits.read if hold is None else limits.deadline(hold),
        limits.connect,
        secrets + settings.secrets,
        hold,
    )


def _blocking(index: object, wait: object, pairs: list[tuple[str, Any]]) -> float | None:
    """Add *index* and *wait* to *pairs*; the seconds that the server may hold the query."""
    if isinstance(index, (Indexed, Meta)):
        # An answer without an index is nothing to wait from.
        index = index.index or 0
    newer = 0 if index is None else number("index", index)
    if not newer:
        # There is nothing to wait for.
        _held(wait)
        return None
    pairs.append(("index", newer))
    return _waiting(wait, pairs)


def _until_other(hash: object, wait: object, pairs: list[tuple[str, Any]]) -> float | None:
    """Add *hash* and *wait* to *pairs*; the seconds that the server may hold the query."""
    if not text("hash", hash):
        _held(wait)
        return None
    pairs.append(("hash", hash))
    return _waiting(wait, pairs)


def _held(wait: object) -> str | None:
    return None if wait is None else duration("wait", wait)


def _waiting(wait: object, pairs: list[tuple[str, Any]]) -> float:
    held, hold = _held(wait), DEFAULT_WAIT
    if held is not None:
        hold = seconds("wait", held)
        # Consul takes a zero wait for "not given" and would hold the query for minutes.
        pairs.append(("wait", "1ms" if is_zero(hold) else held))
    return min(hold, 2 * DEFAULT_WAIT)


#: The parameters for options that select what is read.
_SELECTING = {"filter": "filter", "peer": "peer", "sameness_group": "sg"}


def _read(options: Mapping[str, Any], pairs: list[tuple[str, Any]]) -> Pairs:
    """Add what is read, and how, to *pairs*; the headers that say more of it."""
    if options.get("node_meta") is not None:
        pairs.extend(("node-meta", each) for each in node_metas(options["node_meta"]))
    for name, parameter in _SELECTING.items():
        if options.get(name) is not None:
            pairs.append((parameter, query_text(name, options[name])))
    if flag("merge_central_config", options.get("merge_central_config")):
        pairs.append(("merge-central-config", "1"))
    if options.get("max_stale") is not None:
        oldest = duration("max_stale", options["max_stale"])
        # Consul takes zero for "any age".
        pairs.append(("max_stale", "1ns" if is_zero(seconds("max_stale", oldest)) else oldest))
    # Wrong values are refused also where they have no effect.
    control = [
        f"{name.replace('_', '-')}={seconds(name, options[name]):.0f}"
        for name in ("max_age", "stale_if_error")
        if options.get(name) is not None
    ]
    if flag("must_revalidate", options.get("must_revalidate")):
        control.append("must-revalidate")
    if not flag("cached", options.get("cached")):
        return ()
    pairs.append(("cached", "1"))
    return [("Cache-Control", ", ".join(control))] if control else ()


def node_metas(given: Any) -> list[str]:
    """The node metadata that must match, each like ``os:linux``."""
    if isinstance(given, Mapping):
        for name in given:
            if ":" in text("a name in node_meta", name):
                raise ValueError(f"node_meta must have names without ':': {name!r}")
        return [
            f"{text('a name in node_meta', name)}:{query_text(f'node_meta[{name!r}]', value)}"
            for name, value in given.items()
        ]
    found: list[str] = texts("node_meta", given)
    names: dict[str, str] = {}
    for each in found:
        other = names.setdefault(each.partition(":")[0], each)
        if other != each:
            # Consul would only look at the last one.
            raise ValueError(f"node_meta has two values for one name: {other!r} and {each!r}")
    return found
