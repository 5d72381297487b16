"""How a client is closed: by ``with`` or by ``async with``.

The other statement is refused with an error that names the right one: `__exit__` cannot wait for a
coroutine, and one that dropped it would close nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class ClosesDirectly:
    """A client whose ``close()`` is done when it returns."""

    http: Any

    def close(self) -> None:
        """Close the connections; open calls fail, later ones raise `consul.Closed`.

        Closing again does nothing.
        """
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> NoReturn:
        raise TypeError(f"{type(self).__module__}.{type(self).__qualname__}: use `with`")

    async def __aexit__(self, *error: object) -> None:
        """Never called.  Without it, Python would not get as far as the hint of `__aenter__`."""


class ClosesAwaited:
    """A client whose ``close()`` has to be awaited."""

    http: Any

    def close(self) -> Any:
        """Close the connections; open calls fail, later ones raise `consul.Closed`.  Await it.

        Closing again does nothing.
        """
        return self.http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __enter__(self) -> NoReturn:
        raise TypeError(f"{type(self).__module__}.{type(self).__qualname__}: use `async with`")

    def __exit__(self, *error: object) -> None:
        """Never called.  Without it, Python would not get as far as the hint of `__enter__`."""
