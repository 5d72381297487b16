"""From the arguments of an endpoint method to its `Request`.

This is the only place where token, datacenter and consistency come in.  Bad input is refused here
and in `consul.core.values`, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consul.core.limits import Limits
from consul.core.request import DEFAULT_WAIT, Pairs, Request
from consul.core.settings import Settings
from consul.core.values import check_consistency, duration, header, query_text, seconds


def build(
    settings: Settings,
    method: str,
    path: str,
    params: Pairs = (),
    options: Mapping[str, Any] | None = None,
    token: str | None = None,
    dc: str | None = None,
    index: object = None,
    wait: object = None,
    reads: bool = False,
    consistency: str | None = None,
    near: str | None = None,
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
        ns, partition = options.get("ns") or ns, options.get("partition") or partition
        if "timeout" in options:
            limits = Limits.of(options["timeout"])
    if index is not None:
        hold = _blocking(index, wait, pairs)
    if near is not None:
        pairs.append(("near", near))
    if reads:
        consistency = consistency or settings.consistency
        if consistency != "default":
            pairs.append((check_consistency(consistency), "1"))
    if options:
        headers = (*headers, *_read(options, pairs))
    dc = dc or settings.dc
    if dc is not None:
        pairs.append(("dc", dc))
    if ns is not None:
        pairs.append(("ns", ns))
    if partition is not None:
        pairs.append(("partition", partition))
    token = token or settings.token
    if token:
        headers = (*headers, ("X-Consul-Token", header("token", token)))
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
    number = _index(index)
    if number is None:
        return None
    pairs.append(("index", number))
    if wait is None:
        return DEFAULT_WAIT
    held = duration("wait", wait)
    hold = seconds("wait", held)
    if hold == 0:
        # Consul takes a zero wait for "not given" and would hold the query for minutes.
        held = "1ms"
    pairs.append(("wait", held))
    return min(hold, 2 * DEFAULT_WAIT)


def _read(options: Mapping[str, Any], pairs: list[tuple[str, Any]]) -> Pairs:
    """Add what is read, and how, to *pairs*; the headers that say more of it."""
    node_meta = options.get("node_meta")
    if node_meta:
        pairs.extend(("node-meta", f"{name}:{value}") for name, value in node_meta.items())
    pairs.extend(
        (name, options[name]) for name in ("filter", "peer") if options.get(name) is not None
    )
    if options.get("max_stale") is not None:
        pairs.append(("max_stale", duration("max_stale", options["max_stale"])))
    if not options.get("cached"):
        return ()
    pairs.append(("cached", "1"))
    control = [
        f"{name.replace('_', '-')}={seconds(name, options[name]):.0f}"
        for name in ("max_age", "stale_if_error")
        if options.get(name) is not None
    ]
    return [("Cache-Control", ", ".join(control))] if control else ()


def _index(index: object) -> str | None:
    """*index* as Consul takes it; None when there is nothing to wait for."""
    if index is None:
        return None
    if isinstance(index, bool) or not isinstance(index, (int, str)):
        raise TypeError(f"index must be a whole number or None, not {index!r}")
    number = str(index)
    if not (number.isascii() and number.isdigit() and int(number) < 2**64):
        raise ValueError(f"index must be a whole number from 0 to 2**64-1: {index!r}")
    return number if int(number) else None
