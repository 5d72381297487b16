"""The limit of blocking queries that are open at a time."""

from __future__ import annotations

from collections import deque

from consul.core.signal import Signal
from consul.core.steps import Wait


class Tokens:
    """A number of tokens, which threads take and give without a lock."""

    __slots__ = ("_free",)

    def __init__(self, count: int = 1) -> None:
        self._free = deque([None] * count)

    def take(self) -> bool:
        """Take one; False where there is none."""
        try:
            self._free.popleft()
        except IndexError:
            return False
        return True

    def __len__(self) -> int:
        return len(self._free)

    def give(self) -> None:
        """Give one back."""
        self._free.append(None)


class Turns:
    """At most *limit* at a time; the others wait, first come, first served.

    There is no lock.  A waiter enters the queue and then looks for a free turn once more.  A giver
    frees its turn and then looks at the queue once more.  So at least one of the two
    sees the other.
    """

    def __init__(self, limit: int) -> None:
        self._free = Tokens(limit)
        self._waiting: deque[Signal] = deque()

    async def take(self, seconds: float | None) -> bool:
        """The steps of taking a turn; False when there was none for *seconds*."""
        if self._free.take():
            return True
        turn = Signal()
        self._waiting.append(turn)
        # `give` may have looked at the queue just before.
        self._hand_on()
        taken = False
        try:
            taken = await Wait(turn, seconds)
        finally:
            if not taken and not self._left(turn):
                # It was given away to us meanwhile, too late or for nobody.
                self.give()
        return taken

    def _left(self, turn: Signal) -> bool:
        try:
            self._waiting.remove(turn)
        except ValueError:
            return False
        return True

    def give(self) -> None:
        """Give a turn back, to the first who waits."""
        try:
            turn = self._waiting.popleft()
        except IndexError:
            self._free.give()
            self._hand_on()
        else:
            turn.set()

    def _hand_on(self) -> None:
        """Give free turns to those who wait."""
        while self._waiting and self._free.take():
            try:
                turn = self._waiting.popleft()
            except IndexError:
                self._free.give()
            else:
                turn.set()
