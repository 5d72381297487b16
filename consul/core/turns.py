"""The limit of blocking queries that are open at a time."""

from __future__ import annotations

from collections import deque

from consul.core.signal import Signal
from consul.core.steps import Wait


class Turns:
    """At most *limit* at a time; the others wait, first come, first served.

    There is no lock.  A waiter enters the queue and then looks for a free turn once more.  A giver
    frees its turn and then looks at the queue once more.  So at least one of the two
    sees the other.
    """

    def __init__(self, limit: int) -> None:
        self._free = deque([None] * limit)
        self._waiting: deque[Signal] = deque()

    def _taken(self) -> bool:
        try:
            self._free.popleft()
        except IndexError:
            return False
        return True

    async def take(self, seconds: float | None) -> bool:
        """The steps of taking a turn; False when there was none for *seconds*."""
        if self._taken():
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
            self._free.append(None)
            self._hand_on()
        else:
            turn.set()

    def _hand_on(self) -> None:
        """Give free turns to those who wait."""
        while self._waiting and self._taken():
            try:
                turn = self._waiting.popleft()
            except IndexError:
                self._free.append(None)
            else:
                turn.set()
