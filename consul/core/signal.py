"""A flag that one part of a program sets and others wait for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Signal:
    """A flag that is set once, from any thread.  Each watcher is called once.

    There is no lock, because ``append``, ``popleft`` and ``remove`` of a deque are atomic.  `watch`
    adds the watcher and then reads the flag; `set` sets the flag and then reads the watchers.  So
    at least one of the two finds the watcher, and only one can remove it.
    """

    __slots__ = ("_set", "_watchers")

    def __init__(self) -> None:
        self._set = False
        self._watchers: deque[Callable[[], object]] = deque()

    def __bool__(self) -> bool:
        return self._set

    def set(self) -> None:
        """Set it and call the watchers.  Setting it again does nothing."""
        self._set = True
        while True:
            try:
                watcher = self._watchers.popleft()
            except IndexError:
                return
            watcher()

    def watch(self, watcher: Callable[[], object]) -> None:
        """Have *watcher* called when the signal is set, at once where it is set already."""
        self._watchers.append(watcher)
        if self._set and self.unwatch(watcher):
            watcher()

    def unwatch(self, watcher: Callable[[], object]) -> bool:
        """Forget *watcher*; False where it was called already, or is being called."""
        try:
            self._watchers.remove(watcher)
        except ValueError:
            return False
        return True

    def __repr__(self) -> str:
        return f"<Signal: {'set' if self._set else 'not set'}>"


class Changes:
    """Tells of one change after another, each to those who wait for the `next` one.

    Take `next`, then look at what may have changed: so no change comes between.
    """

    __slots__ = ("next",)

    def __init__(self) -> None:
        #: Set at the next change.
        self.next = Signal()

    def tell(self) -> None:
        """There is a change."""
        told, self.next = self.next, Signal()
        told.set()


class _Never(Signal):
    __slots__ = ()

    def watch(self, watcher: Callable[[], object]) -> None:
        """Nothing: it is never set, and the list of its watchers would only grow."""


#: A signal that is never set, for pauses.
NEVER = _Never()
