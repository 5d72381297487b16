"""One item after another, in the form of each flavour."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from consul.core.flavour import Awaited, Deferring, Direct, F, Futures, Yielded, recipe
from consul.core.steps import Certain, Invoke
from consul.recipes.managed import Managed

if TYPE_CHECKING:
    from consul.core.steps import Steps

T = TypeVar("T")
#: Those that can be iterated over directly, and those that are awaited.
D = TypeVar("D", bound="Items[Any, Direct] | Items[Any, Futures]")
A = TypeVar("A", bound="Items[Any, Awaited] | Items[Any, Yielded] | Items[Any, Deferring]")


class End(Exception):
    """There are no more items."""


class Items(Managed[F], Generic[T, F]):
    """What a user iterates over: each item takes I/O.

    Blocking, and in threads: ``with items: for item in items``.  Awaited: ``async with items: async
    for item in items``.  `next` gives one item in the flavour's form, everywhere.

    A subclass defines `_next` and `_close`, as steps.
    """

    async def _next(self) -> T:
        """The steps to the next item; raise `End` after the last one."""
        raise NotImplementedError

    async def _close(self) -> None:
        """The steps that free what is held.  They may be taken more than once."""

    async def _leave(self, error: BaseException | None) -> None:
        await self._close()

    @recipe
    def next(self) -> Steps[T | None]:
        """The next item; None after the last one."""
        return or_none(self._next)

    @recipe
    def close(self) -> Steps[None]:
        """End it, and free what it holds.  Leaving the block does it as well."""
        return Certain(self._close)

    @recipe
    def run(self, callback: Callable[[T], object]) -> Steps[None]:
        """Call *callback* with each item, until there are no more, or it was closed.

        What *callback* returns is waited for where the flavour can wait for it.
        """
        return self._feeding(callback)

    async def _feeding(self, callback: Callable[[T], object]) -> None:
        try:
            while True:
                await Invoke(callback, await self._next())
        except End:
            pass
        finally:
            await self._close()

    def __iter__(self: D) -> D:
        self._refuse(False, "for")
        return self

    def __next__(self: Items[T, Direct] | Items[T, Futures]) -> T:
        try:
            return self._now(self._run(self._next()))  # type: ignore[no-any-return]
        except End:
            raise StopIteration from None

    def __aiter__(self: A) -> A:
        self._refuse(True, "for")
        return self

    async def __anext__(self: Items[T, Awaited] | Items[T, Yielded] | Items[T, Deferring]) -> T:
        try:
            return await self._run(self._next())  # type: ignore[no-any-return]
        except End:
            raise StopAsyncIteration from None


async def or_none(next: Callable[[], Steps[T]]) -> T | None:
    """The steps of *next*, None after the last item."""
    try:
        return await next()
    except End:
        return None
