"""JSON bodies: what is in them, as far as Consul has types for it.

A *kind* is a function ``kind(path, value)``.  It returns *value* as JSON takes it, or raises
TypeError or ValueError that begins with *path*, which is how the caller wrote it:
``check['header']['X-A'][0]``.  What has one meaning is converted.  Kinds are put together from
each other: a `Struct` of the fields that one of Consul's structures has, a `listed` or `mapped`
other kind.  Fields that this module does not know are `opaque`, so newer servers can have more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set
from functools import partial
from typing import Any

from consul.core.values import above_zero, flag, identifier, number, port, spoken, text

Kind = Callable[[str, Any], Any]

#: Levels of a body.  One that contains itself has more.
_DEEPEST = 100


def plain(name: str) -> str:
    """*name* as Consul compares the names of fields."""
    return name.replace("_", "").lower()


def opaque(path: str, value: Any, depth: int = 0) -> Any:
    """A value that has no type in Consul: anything that JSON has one form for."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if value - value != 0:
            raise ValueError(f"{path} must be finite, which JSON's numbers are: {value!r}")
        return float(value)
    if isinstance(value, (str, bytes, bytearray)) or spoken(value):
        return text(path, value)
    if depth == _DEEPEST:
        raise ValueError(f"{path[:80]}... is nested too deeply")
    below = partial(opaque, depth=depth + 1)
    if isinstance(value, Mapping):
        return _pairs(path, value, lambda _: below)
    if _is_list(value):
        return _items(path, value, below)
    raise TypeError(f"{path} must be something that JSON has a form for, not {_kind(value)}")


def listed(kind: Kind, of: str) -> Kind:
    """A list of what *kind* takes; *of* is for errors."""

    def convert(path: str, value: Any) -> list[Any]:
        if not _is_list(value):
            raise TypeError(f"{path} must be a list of {of}, not {_kind(value)}")
        return _items(path, value, kind)

    return convert


def mapped(kind: Kind) -> Kind:
    """A mapping from any names to what *kind* takes."""

    def convert(path: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise TypeError(f"{path} must be a mapping, not {_kind(value)}")
        return _pairs(path, value, lambda _: kind)

    return convert


class Struct:
    """A mapping with known fields, which Consul finds whatever their case and underscores."""

    def __init__(self, **kinds: Kind) -> None:
        self.kinds = kinds

    def __call__(self, path: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise TypeError(f"{path} must be a dict, not {_kind(value)}")
        result = _pairs(path, value, lambda name: self._kind(plain(name)))
        found: dict[str, str] = {}
        for name in result:
            other = found.setdefault(plain(name), name)
            if other != name:
                raise ValueError(f"{path}[{other!r}] and {path}[{name!r}] are the same field")
        return result

    def _kind(self, name: str) -> Kind:
        kind = self.kinds.get(name, opaque)
        # JSON's null leaves a field at its default.
        return lambda path, value: None if value is None else kind(path, value)


def joined(
    body: Mapping[str, Any],
    arguments: Mapping[str, str],
    name: str,
    more: Mapping[str, Any],
    alike: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """*body* with the fields of *more* added, the value of the argument *name*.

    *arguments* has the argument of each field of *body*, and *alike* the names that stand for
    another field.  A field with two values is a ValueError that names both.
    """
    alike = alike or {}

    def field(spelling: str) -> str:
        return alike.get(plain(spelling), plain(spelling))

    result = dict(body)
    for spelling, value in more.items():
        for own in body:
            if field(own) == field(spelling):
                if body[own] != value:
                    raise ValueError(
                        f"{arguments.get(own, own)} and {name}[{spelling!r}] are two values for "
                        "one thing"
                    )
                result.pop(own, None)
        result[spelling] = value
    return result


def _is_list(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(
        value, (str, bytes, bytearray, memoryview, Mapping)
    )


def _items(path: str, value: Collection[Any], kind: Kind) -> list[Any]:
    items = [kind(f"{path}[{number}]", item) for number, item in enumerate(value)]
    if isinstance(value, Set) and all(isinstance(item, str) for item in items):
        # A set has another order in each process, which servers would take for a change.
        items.sort()
    return items


def _pairs(path: str, value: Mapping[Any, Any], kind: Callable[[str], Kind]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise TypeError(f"{path} must have names that are str, not {name!r}")
        name = text(f"a name in {path}", name)
        result[name] = kind(name)(f"{path}[{name!r}]", item)
    return result


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__


# The kinds of single values.

texts = listed(text, "str")
text_map = mapped(text)
text_lists = mapped(texts)
count = partial(number, most=2**63 - 1)


def given_flag(path: str, value: Any) -> bool | None:
    """A flag in a body, where it is a truth value of JSON."""
    return flag(path, value)


def base64(path: str, value: Any) -> str:
    """Text that is base64, which bytes may or may not be."""
    if isinstance(value, (bytes, bytearray)):
        raise TypeError(f"{path} must be base64 as str, not bytes")
    return text(path, value)


def period(path: str, value: Any) -> Any:
    """A duration within a definition made by hand, where a number means nanoseconds to Consul."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if isinstance(value, int) and value >= 1_000_000:
            return number(path, value, 2**63 - 1)
        raise ValueError(
            f"{path} must be text like '10s' or a timedelta, as Consul takes a number for "
            f"nanoseconds: {value!r}"
        )
    return above_zero(path, value)


# Consul's structures.

_WEIGHTS = Struct(passing=count, warning=count)
LOCALITY = Struct(region=text, zone=text)
_ADDRESSES = mapped(Struct(address=text, port=port))

CHECK = Struct(
    aliasnode=text,
    aliasservice=text,
    args=texts,
    body=text,
    checkid=identifier,
    deregistercriticalserviceafter=period,
    disableredirects=given_flag,
    dockercontainerid=text,
    failuresbeforecritical=count,
    failuresbeforewarning=count,
    grpc=text,
    grpcusetls=given_flag,
    h2ping=text,
    h2pingusetls=given_flag,
    header=text_lists,
    http=text,
    id=identifier,
    interval=period,
    method=text,
    name=text,
    notes=text,
    osservice=text,
    outputmaxsize=count,
    scriptargs=texts,
    serviceid=text,
    shell=text,
    status=text,
    successbeforepassing=count,
    tcp=text,
    tcpusetls=given_flag,
    timeout=period,
    tlsservername=text,
    tlsskipverify=given_flag,
    ttl=period,
    udp=text,
)
checks = listed(CHECK, "checks")

SERVICE = Struct(
    address=text,
    check=CHECK,
    checks=checks,
    enabletagoverride=given_flag,
    id=identifier,
    kind=text,
    locality=LOCALITY,
    meta=text_map,
    name=identifier,
    port=port,
    socketpath=text,
    taggedaddresses=_ADDRESSES,
    tags=texts,
    weights=_WEIGHTS,
)
SERVICE.kinds["connect"] = Struct(native=given_flag, sidecarservice=SERVICE)

#: What the catalog keeps.
CATALOG_SERVICE = Struct(**SERVICE.kinds, service=identifier)
CATALOG_CHECK = Struct(
    checkid=identifier,
    name=text,
    node=identifier,
    notes=text,
    output=text,
    serviceid=identifier,
    servicename=text,
    servicetags=texts,
    status=text,
    type=text,
)

QUERY_SERVICE = Struct(
    connect=given_flag,
    failover=Struct(datacenters=texts, nearestn=count, targets=listed(mapped(text), "dicts")),
    ignorecheckids=texts,
    near=text,
    nodemeta=text_map,
    onlypassing=given_flag,
    service=text,
    servicemeta=text_map,
    tags=texts,
)
TEMPLATE = Struct(type=text, regexp=text, removeemptytags=given_flag)

# A transaction also removes what could not be asked for by URL, so its names are any text.
_VERB = {"verb": text}
OPERATION = Struct(
    kv=Struct(**_VERB, key=text, value=base64, flags=number, index=number, session=text),
    node=Struct(
        **_VERB,
        node=Struct(address=text, id=text, meta=text_map, node=text, taggedaddresses=text_map),
    ),
    service=Struct(
        **_VERB, node=text, service=Struct(**{**SERVICE.kinds, "id": text, "service": text})
    ),
    check=Struct(
        **_VERB,
        check=Struct(**{**CATALOG_CHECK.kinds, "checkid": text, "node": text, "serviceid": text}),
    ),
)
