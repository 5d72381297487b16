"""What a block holds: one of ``with`` in direct flavours, of ``async with`` in awaited ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from consul.core.flavour import Awaited, Deferring, Direct, F, Flavoured, Futures, Yielded
from consul.core.steps import Delivered, Observed
from consul.exceptions import Closed, ConsulException

if TYPE_CHECKING:
    from consul.core.steps import Steps

T = TypeVar("T")
#: Those of the direct flavours, and those of the awaited ones.
D = TypeVar("D", bound="Managed[Direct] | Managed[Futures]")
A = TypeVar("A", bound="Managed[Awaited] | Managed[Yielded] | Managed[Deferring]")


async def surely(make: Callable[[], Steps[T]]) -> T:
    """The steps that *make* makes, which give something back.

    Where they are cancelled, which may have cut a request, they are made once more, in the time
    that is left for that.
    """
    try:
        return await make()
    except (ConsulException, GeneratorExit):
        raise
    except BaseException:
        with suppress(ConsulException):
            await make()
        raise


class Managed(Flavoured[F]):
    """Something that a block holds, and that a recipe of *client*, a `consul.base.Consul`, frees.

    A subclass defines `_enter` and `_leave`, as steps.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    async def _enter(self) -> None:
        """The steps at the beginning of the block."""

    async def _leave(self, error: BaseException | None) -> None:
        """The steps at the end of the block, which *error* has ended, or nothing."""

    def _exit(self) -> Steps[None]:
        """The steps at the end of a block that did not begin, though it was entered."""
        return self._leave(None)

    def _run(self, steps: Steps[Any]) -> Any:
        return self._client.run(steps)

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
        if self._form != "future":
            return value
        try:
            return value.result()
        except BaseException:
            # Who does not wait any longer, for Ctrl-C, does not want it any longer.
            value.cancel()
            raise

    def __enter__(self: D) -> D:
        self._refuse(False, "with")
        entering = Delivered(self._enter(), self._exit)
        try:
            self._now(self._run(entering))
        except BaseException:
            # A block that is not begun is not left either.
            undo = entering.take_back()
            if undo is not None:
                self._now(self._run(undo))
            raise
        return self

    def __exit__(
        self: Managed[Direct] | Managed[Futures],
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: object,
    ) -> None:
        # Where the client was closed in the block, nothing is held any more.
        with suppress(Closed):
            leaving = Observed(self._leave(error))
            try:
                self._now(self._run(leaving))
            except Closed:
                raise
            except BaseException:
                if not leaving.begun:
                    self._now(self._run(self._leave(error)))
                raise

    async def __aenter__(self: A) -> A:
        self._refuse(True, "with")
        entering = Delivered(self._enter(), self._exit)
        try:
            await self._run(entering)
        except BaseException:
            undo = entering.take_back()
            if undo is not None:
                await self._run(undo)
            raise
        return self

    async def __aexit__(
        self: Managed[Awaited] | Managed[Yielded] | Managed[Deferring],
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: object,
    ) -> None:
        with suppress(Closed):
            leaving = Observed(self._leave(error))
            try:
                await self._run(leaving)
            except Closed:
                raise
            except BaseException:
                if not leaving.begun:
                    # It was cancelled before.
                    await self._run(self._leave(error))
                raise
