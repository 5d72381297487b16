"""Whether an answer has the type that its endpoint is annotated with.

Keys that a structure does not name are allowed, as servers may send more.  A required key that is
missing and a value of another type are not.
"""

from __future__ import annotations

import builtins
import inspect
import types
import typing
from typing import Any, NotRequired, Required, get_args, get_origin

import consul.types
from consul.core import answers, request
from consul.core.answers import Indexed
from consul.core.endpoint import Route
from consul.recipes.streams import Listening

#: Names that annotations have, of modules that are imported for type checkers only.
NAMES = {
    **vars(typing),
    **{name: getattr(consul.types, name) for name in consul.types.__all__},
    "builtins": builtins,
    "Call": request.Call,
    "Listening": Listening,
    "Indexed": Indexed,
    "Meta": answers.Meta,
}
#: The answers of endpoints that are typed by several signatures.
SEVERAL = {
    "kv.get": "Indexed[KVPair | list[KVPair] | list[str] | bytes | None]",
    "agent.metrics": "MetricsInfo | str",
    "agent.service.health_by_id": "AgentServiceChecksInfo | str",
    "agent.service.health_by_name": "list[AgentServiceChecksInfo] | str",
    "connect.ca.roots": "Indexed[CARootList | str]",
    # As it is, and that of a Transaction.
    "txn.put": "TxnResponse | list[TxnOutcome]",
}


def answer_of(method: Any) -> Any:
    """The type of the answer of the endpoint *method*."""
    route: Route = method.route
    function = inspect.unwrap(method)
    names = {**function.__globals__, **NAMES}
    if route.name in SEVERAL:
        return eval(SEVERAL[route.name], names)
    (answer,) = get_args(eval(function.__annotations__["return"], names))
    return answer


def keys_of(kind: Any) -> dict[str, tuple[Any, bool]]:
    """The keys of a TypedDict: each with its type, and whether it is required."""
    found: dict[str, tuple[Any, bool]] = {}
    for base in getattr(kind, "__orig_bases__", ()):
        if typing.is_typeddict(base):
            found |= keys_of(base)
    names = {**vars(inspect.getmodule(kind)), **NAMES}
    # A reference that names its module would look nowhere else.
    for name, hint in typing.get_type_hints(kind, names, names, include_extras=True).items():
        if name in found:
            continue
        required = bool(kind.__total__)
        while get_origin(hint) in (NotRequired, Required):
            required = get_origin(hint) is Required
            (hint,) = get_args(hint)
        found[name] = (hint, required)
    return found


_keys: dict[Any, dict[str, tuple[Any, bool]]] = {}


def wrong(value: Any, kind: Any, path: str = "answer") -> str | None:
    """What is wrong with *value* as a *kind*; None when nothing is."""
    if kind is Any or kind is object or isinstance(kind, typing.TypeVar):
        return None
    origin, args = get_origin(kind), get_args(kind)
    if origin in (typing.Union, types.UnionType):
        reasons = [wrong(value, each, path) for each in args]
        return None if None in reasons else " and ".join(filter(None, reasons))
    if origin is typing.Literal:
        return None if value in args else f"{path} is {value!r}, not one of {args}"
    if typing.is_typeddict(kind):
        return _wrong_structure(value, kind, path)
    if origin is Indexed:
        if not isinstance(value, Indexed):
            return f"{path} is {type(value).__name__}, not Indexed"
        return wrong(value.data, args[0], f"{path}.data")
    if origin is tuple:
        if not isinstance(value, tuple):
            return f"{path} is {type(value).__name__}, not a tuple"
        pairs = zip(value, args, strict=True)
        return _first(wrong(each, arg, f"{path}[{n}]") for n, (each, arg) in enumerate(pairs))
    if origin is list:
        if not isinstance(value, list):
            return f"{path} is {type(value).__name__}, not a list"
        return _first(wrong(each, args[0], f"{path}[{n}]") for n, each in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            return f"{path} is {type(value).__name__}, not a dict"
        return _first(wrong(each, args[1], f"{path}[{name!r}]") for name, each in value.items())
    kind = origin or kind
    if kind is None:
        kind = type(None)
    if kind is float:
        kind = (int, float)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return f"{path} is {value!r}, not {kind}"
    return None


def _wrong_structure(value: Any, kind: Any, path: str) -> str | None:
    if not isinstance(value, dict):
        return f"{path} is {type(value).__name__}, not a {kind.__name__}"
    keys = _keys.get(kind)
    if keys is None:
        keys = _keys[kind] = keys_of(kind)
    for name, (hint, required) in keys.items():
        if name not in value:
            if required:
                return f"{path} has no {name!r}, which a {kind.__name__} requires: {sorted(value)}"
        elif (reason := wrong(value[name], hint, f"{path}[{name!r}]")) is not None:
            return reason
    return None


def _first(reasons: typing.Iterable[str | None]) -> str | None:
    return next((reason for reason in reasons if reason is not None), None)
