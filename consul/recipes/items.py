"""One item after another, in the form of each flavour."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from consul.core.flavour import Awaited, Deferring, Direct, F, Flavoured, Futures, Yielded, recipe
from consul.core.steps import Invoke
from consul.exceptions import Closed

if TYPE_CHECKING:
    from consul.core.steps import Steps

T = TypeVar("T")
#: Those that can be iterated over directly, and those that are awaited.
D = TypeVar("D", bound="Items[Any, Direct] | Items[Any, Futures]")
A = TypeVar("A", bound="Items[Any, Awaited] | Items[Any, Yielded] | Items[Any, Deferring]")


class End(Exception):
    """There are no more items."""


class Items(Flavoured[F], Generic[T, F]):
    """What a user iterates over: each item takes I/O.

    Blocking, and in threads: ``with items: for item in items``.  Awaited: ``async with items: async
    for item in items``.  `next` gives one item in the flavour's form, everywhere.

    A subclass defines `_next` and `_close`, as steps.  *client* is a `consul.base.Consul`.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    async def _next(self) -> T:
        """The steps to the next item; raise `End` after the last one."""
        raise NotImplementedError

    async def _close(self) -> None:
        """The steps that free what is held.  They may be taken more than once."""

    def _run(self, steps: Steps[Any]) -> Any:
        return self._client.run(steps)

    @recipe
    def next(self) -> Steps[T | None]:
        """The next item; None after the last one."""
        return self._next_or_none()

    @recipe
    def close(self) -> Steps[None]:
        """End it, and free what it holds.  Leaving the block does it as well."""
        return self._close()

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

    async def _next_or_none(self) -> T | None:
        try:
            return await self._next()
        except End:
            return None

    @property
    def _form(self) -> str:
        return getattr(self._client.http, "form", "value")

    def _refuse(self, awaited: bool, word: str) -> None:
        """Refuse *word*, "for" or "with", where it is the other one that fits the flavour."""
        if awaited and self._form != "awaited":
            raise TypeError(f"the methods of {self._client!r} are not awaited: use {word}")
        if not awaited and self._form == "awaited":
            raise TypeError(f"the methods of {self._client!r} are awaited: use async {word}")

    def _now(self, value: Any) -> Any:
        """*value*, or the result of the future that it is."""
        return value.result() if self._form == "future" else value

    def __iter__(self: D) -> D:
        self._refuse(False, "for")
        return self

    def __next__(self: Items[T, Direct] | Items[T, Futures]) -> T:
        try:
            return self._now(self._run(self._next()))  # type: ignore[no-any-return]
        except End:
            raise StopIteration from None

    def __enter__(self: D) -> D:
        self._refuse(False, "with")
        return self

    def __exit__(self: Items[Any, Direct] | Items[Any, Futures], *error: object) -> None:
        # Where the client was closed in the block, nothing is held any more.
        with suppress(Closed):
            self._now(self._run(self._close()))

    def __aiter__(self: A) -> A:
        self._refuse(True, "for")
        return self

    async def __anext__(self: Items[T, Awaited] | Items[T, Yielded] | Items[T, Deferring]) -> T:
        try:
            return await self._run(self._next())  # type: ignore[no-any-return]
        except End:
            raise StopAsyncIteration from None

    async def __aenter__(self: A) -> A:
        self._refuse(True, "with")
        return self

    async def __aexit__(
        self: Items[Any, Awaited] | Items[Any, Yielded] | Items[Any, Deferring], *error: object
    ) -> None:
        with suppress(Closed):
            await self._run(self._close())
