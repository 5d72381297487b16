"""What an agent tells as it happens, one item after another."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from consul.core.flavour import Described, F, Flavoured, endpoint
from consul.core.stream import Body, Streaming, opened
from consul.recipes.items import End, Items

if TYPE_CHECKING:
    from consul.core.endpoint import Route
    from consul.core.request import Call, Request

P = ParamSpec("P")
T = TypeVar("T")

#: Bytes of the longest item.
MOST = 1 << 26


class Lines:
    """Puts lines together from parts.  What is not yet a whole line waits."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._size = 0

    def feed(self, part: bytes) -> list[bytes]:
        """The lines that *part* completes, without their ends; ValueError where one is too long."""
        head, newline, rest = part.rpartition(b"\n")
        if newline:
            lines = b"".join((*self._begun, head)).split(b"\n")
            self._begun, self._size = [], 0
        else:
            lines = []
        if rest:
            self._begun.append(rest)
            self._size += len(rest)
        if self._size > MOST:
            raise ValueError("a line is too long")
        return lines

    def end(self) -> list[bytes]:
        """The last line, where there is one without an end."""
        last, self._begun = b"".join(self._begun), []
        return [last] if last else []


class Texts(Lines):
    """Lines of text."""

    def items(self, part: bytes) -> list[Any]:
        """The items that *part* completes; with an empty one those that are left at the end."""
        lines = self.feed(part) if part else self.end()
        return [line.decode("utf-8", "replace").rstrip("\r") for line in lines if line.strip()]


class Objects(Lines):
    """JSON objects, each on one line, or indented over many."""

    def __init__(self) -> None:
        super().__init__()
        self._object: list[bytes] = []

    def items(self, part: bytes) -> list[Any]:
        """The items that *part* completes; with an empty one those that are left at the end."""
        found = []
        for line in self.feed(part) if part else self.end():
            self._object.append(line)
            # One that is indented has no other line that begins so.
            if line.startswith(b"}") or (len(self._object) == 1 and line.rstrip().endswith(b"}")):
                text, self._object = b"\n".join(self._object), []
                found.append(json.loads(text))
        if not part and any(line.strip() for line in self._object):
            raise ValueError("it breaks off within an object")
        return found


class Listening(Streaming[Body], Generic[T]):
    """A call whose answer is a stream of items, which *split* makes of its parts."""

    __slots__ = ("split",)

    def __init__(self, request: Request, split: type[Texts] | type[Objects], *more: Any) -> None:
        super().__init__(request, opened, *more)
        self.split = split

    def with_request(self, request: Request) -> Listening[T]:
        """The same call with another request."""
        return type(self)(request, self.split, self.route, self.pause, self.total)


def listening(
    call: Call[Any], split: type[Texts] | type[Objects], total: float | None
) -> Listening[Any]:
    """*call* as one whose answer may pause for ever, and ends after *total* seconds."""
    return Listening(call.request, split, call.route, None, total)


class Stream(Items[T, F], Generic[T, F]):
    """What an agent tells as it happens.

    Nothing is sent before the first item is asked for.  A slow reader slows the agent down: nothing
    piles up here.  `close`, leaving the block, and a cancelled `next` end it and its connection at
    once.
    """

    def __init__(self, client: Any, call: Listening[T]) -> None:
        super().__init__(client)
        self._call, self._split = call, call.split()
        self._body: Body | None = None
        self._waiting: deque[T] = deque()
        self._ended = self._busy = False

    async def _next(self) -> T:
        if self._busy:
            raise RuntimeError("the item before this one is still waited for")
        if self._waiting:
            return self._waiting.popleft()
        if self._ended:
            raise End
        self._busy = True
        try:
            return await self._read()
        except BaseException:
            await self._close()
            raise
        finally:
            self._busy = False

    async def _read(self) -> T:
        try:
            if self._body is None:
                self._body = await self._call
                if self._ended:
                    raise End
            while not self._waiting:
                part = await self._body.part()
                try:
                    self._waiting.extend(self._split.items(part))
                except ValueError as error:
                    raise self._body.bad(f"not what Consul sends here: {error}") from None
                if not part and not self._waiting:
                    raise End
        except Exception:
            # It was closed meanwhile, which has cut the connection.
            if self._ended:
                raise End from None
            raise
        return self._waiting.popleft()

    async def _close(self) -> None:
        self._ended = True
        self._waiting.clear()
        if self._body is not None:
            await self._body.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._call!r}>"


def _follow(client: Any, call: Listening[Any]) -> Any:
    # A client that describes calls has no HTTP client.
    return call if client.http is None else Stream(client, call)


if TYPE_CHECKING:

    class Streamed(Generic[P, T]):
        """An endpoint whose answer is a stream, as type checkers see it."""

        route: Route

        def __call__(self, noun: Any, /, *args: P.args, **options: P.kwargs) -> Any: ...
        @overload
        def __get__(self, noun: None, owner: Any) -> Streamed[P, T]: ...
        @overload
        def __get__(self, noun: Flavoured[Described], owner: Any) -> Callable[P, Listening[T]]: ...
        @overload
        def __get__(self, noun: Flavoured[F], owner: Any) -> Callable[P, Stream[T, F]]: ...
        def __get__(self, noun: Any, owner: Any) -> Any: ...

    def streamed(
        route: str, *, since: str | None = None
    ) -> Callable[[Callable[Concatenate[Any, P], Listening[T]]], Streamed[P, T]]:
        """Make an endpoint whose answer is a `Stream` of a method that describes its call."""
        raise NotImplementedError

else:

    def streamed(route, *, since=None):
        """Make an endpoint whose answer is a `Stream` of a method that describes its call."""
        return endpoint(route, since=since, follow=_follow)
