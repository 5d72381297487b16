"""What the nouns have in common: turning a request and a decoder into a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol, TypeVar

from consul.core.build import build
from consul.core.endpoint import Route, refuse
from consul.core.fields import Fields
from consul.core.flavour import F, Flavoured
from consul.core.request import Call, Gated, Pairs, Response
from consul.core.settings import Settings
from consul.core.values import Text, json_bytes

T = TypeVar("T")


class Sender(Protocol):
    """What a noun needs of its client."""

    settings: Settings

    def _send(self, call: Call[Any]) -> Any: ...


def lazy(kind: str, *, setting: bool = False) -> Any:
    """A noun that is made when it is first touched, of the class attribute *kind*.

    It may be assigned; then it is what was assigned.  *setting* says that there is a setting of the
    same name: a text, which would have no effect, cannot be assigned.
    """
    return _NoText(kind) if setting else _Lazy(kind)


class _Lazy:
    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            # For who looks at the class: what there will be is of this class.
            return getattr(kind, self._kind)
        noun = getattr(owner, self._kind)(getattr(owner, "_client", owner))
        # Of two threads that come here at once, both get the same.
        return vars(owner).setdefault(self._name, noun)


class _NoText(_Lazy):
    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is not None and self._name in vars(owner):
            return vars(owner)[self._name]
        return super().__get__(owner, kind)

    def __set__(self, owner: Any, noun: Any) -> None:
        if noun is None or isinstance(noun, (str, bytes)):
            raise TypeError(
                f"{self._name} is a group of endpoints: give {self._name}= to the client or a call"
            )
        vars(owner)[self._name] = noun


class Loaded:
    """A class attribute of *module* that is imported when it is first touched."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, instance: object, kind: type | None = None) -> Any:
        found = getattr(import_module(self._module), self._name)
        # From now on it is an ordinary attribute.
        setattr(self._owner, self._name, found)
        return found


class Noun(Flavoured[F]):
    """A group of endpoints of one client.

    The methods are written as if they returned the `Call`.  What a caller gets is what the client's
    flavour makes of it: the value, a future, a coroutine, a Deferred.
    """

    _client: Sender
    #: The endpoints by the names of their methods.
    _routes: dict[str, Route] = {}  # noqa: RUF012

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        methods = vars(cls).items()
        routes = {name: method.route for name, method in methods if hasattr(method, "route")}
        cls._routes = {**cls._routes, **routes}

    def __init__(self, agent: Sender) -> None:
        self._client = agent

    @property
    def agent(self) -> Any:
        """The client, by python-consul's name; subclasses may assign it."""
        return self._client

    @agent.setter
    def agent(self, client: Any) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} of {self._client!r}>"

    def _read(
        self,
        name: str,
        path: str,
        decode: Callable[[Response], T],
        params: Pairs = (),
        options: Mapping[str, Any] | None = None,
        *,
        token: Text | None = None,
        dc: Text | None = None,
        index: object = None,
        wait: object = None,
        consistency: str | None = None,
        near: Text | None = None,
        secrets: tuple[str, ...] = (),
    ) -> Call[T]:
        """Make the call of the endpoint *name*, a read in one of Consul's consistency modes."""
        client, route = self._client, self._routes[name]
        if options and not route.options.issuperset(options):
            raise refuse(route, options)
        request = build(
            client.settings,
            "GET",
            path,
            params,
            options,
            token,
            dc,
            index,
            wait,
            True,
            consistency,
            near,
            secrets=secrets,
        )
        kind = Gated if route.ignores and route.is_gated(dict(request.params)) else Call
        return kind(request, decode, route)

    def _call(
        self,
        name: str,
        path: str,
        decode: Callable[[Response], T],
        params: Pairs = (),
        options: Mapping[str, Any] | None = None,
        *,
        token: Text | None = None,
        dc: Text | None = None,
        index: object = None,
        wait: object = None,
        json: Any = None,
        body: bytes | None = None,
        secrets: tuple[str, ...] = (),
    ) -> Call[T]:
        """Make the call of the endpoint *name*, one for which Consul has no modes.

        These are writes, and reads of what the agent itself knows.
        """
        client, route = self._client, self._routes[name]
        if options and not route.options.issuperset(options):
            raise refuse(route, options)
        request = build(
            client.settings,
            route.method,
            path,
            params,
            options,
            token,
            dc,
            index,
            wait,
            body=body if json is None else json_bytes(json),
            json_body=json is not None,
            secrets=secrets,
        )
        kind = Gated if route.ignores and route.is_gated(dict(request.params)) else Call
        return kind(request, decode, route)

    def _write(
        self,
        name: str,
        path: str,
        decode: Callable[[Response], T],
        fields: Fields,
        given: Mapping[str, Any],
        params: Pairs = (),
        *,
        token: Text | None = None,
        dc: Text | None = None,
        secrets: tuple[str, ...] = (),
    ) -> Call[T]:
        """Make the call of the endpoint *name*, whose body has those of the keywords *given* that
        are *fields*, and what is in the keyword ``extra``.  The others are options.
        """
        route = self._routes[name]
        if not route.keywords.issuperset(given):
            raise refuse(route, given)
        body, options = fields.split(given)
        return self._call(
            name, path, decode, params, options, token=token, dc=dc, json=body, secrets=secrets
        )
