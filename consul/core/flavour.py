"""How one annotation types a method exactly in every flavour.

A method of a noun is annotated with what it describes, a `Call[T]`, and decorated with `endpoint`.
For a type checker the decorator is a descriptor: on a noun of the blocking client the method
returns ``T``, on one of asyncio a ``Coroutine`` of it, and so on.  So there are no generated
classes, an editor shows the docstring, and "go to definition" leads to the noun.  At run time the
decorator notes the facts about the endpoint, and sends the call that the method describes.

`recipe` does the same for a method that returns `Steps[T]`, and `variants` types an endpoint whose
answer depends on its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from consul.core.endpoint import Route, renamed
from consul.core.request import Call
from consul.core.steps import Steps

P = ParamSpec("P")
T = TypeVar("T")


class Flavour:
    """What the methods of a client return.  Marks for type checkers, never made."""


class Described(Flavour):
    """The `Call` itself."""


class Direct(Flavour):
    """The value."""


class Futures(Flavour):
    """A ``concurrent.futures.Future``."""


class Awaited(Flavour):
    """A coroutine."""


class Yielded(Flavour):
    """An ``asyncio.Future``, as Tornado's coroutines take it."""


class Deferring(Flavour):
    """A Twisted ``Deferred``."""


if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    # The default lets ``class Keys(Consul.KV)`` do without an argument.
    F = TypeVarWithDefault("F", bound=Flavour, default=Any)
else:
    F = TypeVar("F")


class Flavoured(Generic[F]):
    """Something whose methods return what the flavour *F* makes of them."""

    __slots__ = ()


if TYPE_CHECKING:
    from asyncio import Future as AsyncioFuture
    from concurrent.futures import Future

    from twisted.internet.defer import Deferred

    class Endpoint(Generic[P, T]):
        """A method that describes a call, as type checkers see it."""

        route: Route

        def __call__(self, noun: Any, /, *args: P.args, **options: P.kwargs) -> Any: ...
        @overload
        def __get__(self, noun: None, owner: Any) -> Endpoint[P, T]: ...
        @overload
        def __get__(self, noun: Flavoured[Direct], owner: Any) -> Callable[P, T]: ...
        @overload
        def __get__(self, noun: Flavoured[Described], owner: Any) -> Callable[P, Call[T]]: ...
        @overload
        def __get__(self, noun: Flavoured[Futures], owner: Any) -> Callable[P, Future[T]]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Awaited], owner: Any
        ) -> Callable[P, Coroutine[Any, Any, T]]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Yielded], owner: Any
        ) -> Callable[P, AsyncioFuture[T]]: ...
        @overload
        def __get__(self, noun: Flavoured[Deferring], owner: Any) -> Callable[P, Deferred[T]]: ...
        def __get__(self, noun: Any, owner: Any) -> Any: ...

    class Recipe(Generic[P, T]):
        """A method that takes several calls, as type checkers see it."""

        @overload
        def __get__(self, noun: None, owner: Any) -> Callable[Concatenate[Any, P], Any]: ...
        @overload
        def __get__(self, noun: Flavoured[Direct], owner: Any) -> Callable[P, T]: ...
        @overload
        def __get__(self, noun: Flavoured[Described], owner: Any) -> Callable[P, Steps[T]]: ...
        @overload
        def __get__(self, noun: Flavoured[Futures], owner: Any) -> Callable[P, Future[T]]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Awaited], owner: Any
        ) -> Callable[P, Coroutine[Any, Any, T]]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Yielded], owner: Any
        ) -> Callable[P, AsyncioFuture[T]]: ...
        @overload
        def __get__(self, noun: Flavoured[Deferring], owner: Any) -> Callable[P, Deferred[T]]: ...
        def __get__(self, noun: Any, owner: Any) -> Any: ...

    def endpoint(
        route: str,
        *,
        repeatable: bool | None = None,
        conditions: tuple[str, ...] = (),
        since: str | None = None,
        removed: str | None = None,
        ignores: Mapping[str, str] | None = None,
    ) -> Callable[[Callable[Concatenate[Any, P], Call[T]]], Endpoint[P, T]]: ...

    def shortcut(describe: Callable[Concatenate[Any, P], Call[T]]) -> Recipe[P, T]: ...

    def recipe(steps: Callable[Concatenate[Any, P], Steps[T]]) -> Recipe[P, T]: ...

    P1 = ParamSpec("P1")
    P2 = ParamSpec("P2")
    P3 = ParamSpec("P3")
    P4 = ParamSpec("P4")
    P5 = ParamSpec("P5")
    T1 = TypeVar("T1", covariant=True)
    T2 = TypeVar("T2", covariant=True)
    T3 = TypeVar("T3", covariant=True)
    T4 = TypeVar("T4", covariant=True)
    T5 = TypeVar("T5", covariant=True)

    class Overloaded(Generic[P1, T1, P2, T2, P3, T3, P4, T4, P5, T5]):
        """A method with five signatures."""

        @overload
        def __call__(self, *args: P1.args, **options: P1.kwargs) -> T1: ...
        @overload
        def __call__(self, *args: P2.args, **options: P2.kwargs) -> T2: ...
        @overload
        def __call__(self, *args: P3.args, **options: P3.kwargs) -> T3: ...
        @overload
        def __call__(self, *args: P4.args, **options: P4.kwargs) -> T4: ...
        @overload
        def __call__(self, *args: P5.args, **options: P5.kwargs) -> T5: ...
        def __call__(self, *args: Any, **options: Any) -> Any: ...

    class Variants(Generic[P1, T1, P2, T2, P3, T3, P4, T4, P5, T5]):
        """An endpoint whose answer depends on its arguments, as type checkers see it."""

        route: Route

        @overload
        def __get__(self, noun: None, owner: Any) -> Callable[..., Any]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Direct], owner: Any
        ) -> Overloaded[
            P1,
            T1,
            P2,
            T2,
            P3,
            T3,
            P4,
            T4,
            P5,
            T5,
        ]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Described], owner: Any
        ) -> Overloaded[
            P1,
            Call[T1],
            P2,
            Call[T2],
            P3,
            Call[T3],
            P4,
            Call[T4],
            P5,
            Call[T5],
        ]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Futures], owner: Any
        ) -> Overloaded[
            P1,
            Future[T1],
            P2,
            Future[T2],
            P3,
            Future[T3],
            P4,
            Future[T4],
            P5,
            Future[T5],
        ]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Awaited], owner: Any
        ) -> Overloaded[
            P1,
            Coroutine[Any, Any, T1],
            P2,
            Coroutine[Any, Any, T2],
            P3,
            Coroutine[Any, Any, T3],
            P4,
            Coroutine[Any, Any, T4],
            P5,
            Coroutine[Any, Any, T5],
        ]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Yielded], owner: Any
        ) -> Overloaded[
            P1,
            AsyncioFuture[T1],
            P2,
            AsyncioFuture[T2],
            P3,
            AsyncioFuture[T3],
            P4,
            AsyncioFuture[T4],
            P5,
            AsyncioFuture[T5],
        ]: ...
        @overload
        def __get__(
            self, noun: Flavoured[Deferring], owner: Any
        ) -> Overloaded[
            P1,
            Deferred[T1],
            P2,
            Deferred[T2],
            P3,
            Deferred[T3],
            P4,
            Deferred[T4],
            P5,
            Deferred[T5],
        ]: ...
        def __get__(self, noun: Any, owner: Any) -> Any: ...

    def variants(
        one: Callable[Concatenate[Any, P1], Call[T1]],
        two: Callable[Concatenate[Any, P2], Call[T2]],
        three: Callable[Concatenate[Any, P3], Call[T3]],
        four: Callable[Concatenate[Any, P4], Call[T4]],
        any: Callable[Concatenate[Any, P5], Call[T5]],
    ) -> Callable[[Any], Variants[P1, T1, P2, T2, P3, T3, P4, T4, P5, T5]]:
        """Type an endpoint by five signatures, the last of them for arguments that are not literal.

        Type checkers look at the first one that fits.
        """
        raise NotImplementedError

else:

    def endpoint(
        route,
        *,
        repeatable=None,
        conditions=(),
        since=None,
        removed=None,
        ignores=None,
        follow=None,
    ):
        """Make an endpoint of a method that describes its call.

        *route* is like "PUT /v1/kv/:key".  *repeatable*, of a write, says whether doing it twice
        comes to the same as doing it once, its answer included.  *conditions* names the query
        parameters that make a repeatable write a conditional one, which is not.  *since* is the
        version of Consul that introduced the endpoint, *removed* the first one without it.
        *ignores* has the query parameters that older servers ignore in silence, each with the first
        version that understands it: they are not sent to a server that is known to be older.
        *follow*, where it is given, makes what is returned of the client and the call.
        """
        facts = Route(route, repeatable, conditions, since, removed, ignores)

        def decorate(describe):
            facts.describes(describe)
            method = _sending(describe, facts, follow)
            method.route = facts
            return method

        return decorate

    def shortcut(describe):
        """Make a method that sends the call that *describe* makes, one of another endpoint."""
        return _sending(describe, None)

    def _sending(describe, route, follow=None):
        """A method that sends what *describe* makes; it takes the former keywords of *route*."""

        @wraps(describe)
        def method(self, *args, **options):
            # Reports of errors show the local variables of each frame, and among the arguments may
            # be a token.  So the frames that have it are gone when something is raised.
            failure = None
            try:
                call = describe(self, *args, **options)
            except (TypeError, ValueError) as error:
                failure = error.with_traceback(None)
            if failure is not None and route and not route.former.keys().isdisjoint(options):
                # Only here, so that calls without a keyword of the forks do not pay for them.
                failure = None
                try:
                    call = describe(self, *args, **renamed(route, options))
                except (TypeError, ValueError) as error:
                    failure = error.with_traceback(None)
            del args, options
            if failure is not None:
                try:
                    raise failure
                finally:
                    del failure
            if follow is not None:
                return follow(self._client, call)
            return self._client._send(call)

        return method

    def recipe(steps):
        """Make a recipe of a method that returns its steps: it is run in the flavour's form."""

        @wraps(steps)
        def method(self, *args, **given):
            return self._run(steps(self, *args, **given))

        method.recipe = True
        return method
