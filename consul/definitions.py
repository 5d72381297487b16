"""Definition files of services and checks, turned into arguments for the API.

The files that an agent reads at its start are no bodies for the API: their keys may be in snake
case, services and checks are wrapped, and a token may be among their fields.

    for arguments in definitions.services(text):
        client.agent.service.register(**arguments)
    for arguments in definitions.checks(text):
        client.agent.check.register(**arguments)

Nothing here reads files or talks to an agent, so it is the same in each flavour.  HCL is not read:
convert it to JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from consul.core.bodies import plain

__all__ = ["checks", "services"]

#: A definition: a mapping, or JSON.
Definition = Mapping[str, Any] | str | bytes

#: Spellings of Consul that do not follow from the words of a name.
_SPELLINGS = {
    plain(name): name
    for name in (
        "CheckID", "DNSSAN", "DockerContainerID", "GRPC", "GRPCUseTLS", "H2PING", "H2PingUseTLS",
        "HTTP", "ID", "OSService", "ServiceID", "TCP", "TCPUseTLS", "TLSServerName",
        "TLSSkipVerify", "TTL", "UDP", "DestinationServiceID", "SNI", "CAFile", "AI",
    )
}  # fmt: skip
#: Fields below which the keys are the user's own.
_OPAQUE = frozenset(("arguments", "config", "header", "meta"))
#: Fields whose keys are the user's own, while what is below those is Consul's.
_NAMED = frozenset(("taggedaddresses", "envoygatewaybindaddresses"))


def services(definition: Definition) -> list[dict[str, Any]]:
    """The arguments of ``agent.service.register`` for each service of a definition.

    *definition* is a mapping with ``service`` or ``services``, or JSON of it (str or bytes).  A
    mapping with neither of them, nor ``check`` or ``checks``, is that of one service.

    Raises ValueError for JSON that cannot be read and for a service without a name, TypeError for
    something else than a mapping.
    """
    found = _parsed(definition)
    if not {"service", "services", "check", "checks"} & {plain(name) for name in found}:
        found = {"service": found}
    return [_service(each) for each in _wrapped(found, "service", "services")]


def checks(definition: Definition) -> list[dict[str, Any]]:
    """The arguments of ``agent.check.register`` for each check of a definition.

    *definition* is a mapping with ``check`` or ``checks`` beside others, or JSON of it.  The checks
    within services belong to `services`.

    Raises ValueError for JSON that cannot be read and for a check without a name, TypeError for
    something else than a mapping.
    """
    return [_check(each) for each in _wrapped(_parsed(definition), "check", "checks")]


def _parsed(definition: Definition) -> Mapping[str, Any]:
    found: Any = definition
    if isinstance(definition, (str, bytes, bytearray)):
        try:
            found = json.loads(definition)
        except ValueError as error:
            raise ValueError(f"definition is not JSON: {error}") from error
    if not isinstance(found, Mapping):
        raise TypeError(f"definition must be a mapping, not {type(found).__name__}")
    return found


def _wrapped(definition: Mapping[str, Any], one: str, many: str) -> list[Mapping[str, Any]]:
    """What stands below the keys *one* and *many*."""
    found: list[Any] = []
    for name, value in definition.items():
        if value is not None and plain(name) in (one, many):
            # The configuration of an agent allows a list in both places.
            found += value if isinstance(value, list) else [value]
    for each in found:
        if not isinstance(each, Mapping):
            raise TypeError(f"{one} must be a mapping, not {type(each).__name__}")
    return found


def _service(definition: Mapping[str, Any]) -> dict[str, Any]:
    body = _spelled(definition)
    name = body.pop("Name", None)
    if not name:
        raise ValueError("service has no name")
    arguments: dict[str, Any] = {"name": name, "extra": _with_checks(body)}
    return _with_token(arguments, body)


def _with_checks(body: dict[str, Any]) -> dict[str, Any]:
    """*body*, a service in Consul's spelling, with its checks as the API wants them."""
    if isinstance(body.get("Check"), list):
        body["Checks"] = [*body.pop("Check"), *body.get("Checks", [])]
    for each in [body.get("Check"), *(body.get("Checks") or [])]:
        if isinstance(each, dict) and "ID" in each:
            # A check of a service has its id there.
            each.setdefault("CheckID", each.pop("ID"))
    sidecar = (body.get("Connect") or {}).get("SidecarService")
    if isinstance(sidecar, dict):
        _with_checks(sidecar)
    return body


def _check(definition: Mapping[str, Any]) -> dict[str, Any]:
    body = _spelled(definition)
    name = body.pop("Name", None)
    if not name:
        raise ValueError("check has no name")
    if "CheckID" in body:
        body["ID"] = body.pop("CheckID")
    return _with_token({"name": name, "check": body}, body)


def _with_token(arguments: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """*arguments* with the token of the definition, which is no part of the body."""
    token = body.pop("Token", None)
    if token:
        arguments["token"] = token
    return arguments


def _spelled(value: Mapping[str, Any]) -> dict[str, Any]:
    """*value* with its keys in Consul's spelling, and without what is null."""
    result: dict[str, Any] = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise TypeError(f"definition must have names that are str, not {name!r}")
        if item is None:
            continue
        spelling = _spelling(name)
        if spelling in result:
            raise ValueError(f"definition has {spelling} twice")
        result[spelling] = _below(plain(name), item)
    return result


def _below(field: str, value: Any) -> Any:
    if field in _NAMED and isinstance(value, Mapping):
        return {name: _below("", item) for name, item in value.items()}
    if field in _OPAQUE:
        return value
    if isinstance(value, Mapping):
        return _spelled(value)
    if isinstance(value, list):
        return [_below("", item) for item in value]
    return value


def _spelling(name: str) -> str:
    known = _SPELLINGS.get(plain(name))
    if known is not None:
        return known
    if "_" not in name and name[:1].isupper():
        return name
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))
