"""What is held for a time: when it is lost, and who is told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from consul.core.flavour import F, Flavoured, recipe
from consul.core.signal import Signal
from consul.core.steps import Wait
from consul.core.values import time_limit

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Steps

log = logging.getLogger("consul.recipes")


class Hold:
    """Something of one client and one process that is held, until it is lost or given back."""

    def __init__(self, http: Any) -> None:
        self.http = http
        # Renewed in a forked process, which holds nothing of what its parent does.
        self._shared = http.shared
        #: Set when it is lost.
        self.lost = Signal()
        #: Set when it is lost or given back.
        self.ended = Signal()
        #: Why it was lost; None where it was not.
        self.reason: str | None = None

    @property
    def here(self) -> bool:
        """Whether this is the process that holds it."""
        return self.http.shared is self._shared

    @property
    def live(self) -> bool:
        """Whether it is held at this moment."""
        return self.here and not self.ended

    @property
    def is_lost(self) -> bool:
        """Whether it ended otherwise than by being given back."""
        return bool(self.lost) or not (self.live or self.ended)

    def lose(self, reason: str) -> None:
        """It is lost, unless it has ended already."""
        if self.ended:
            return
        self.reason = reason
        log.warning("%s is lost: %s", self, reason)
        self.lost.set()
        self.ended.set()

    def end(self) -> None:
        """It is given back."""
        self.ended.set()


class Lost(Flavoured[F]):
    """Whether something that was held has been lost."""

    def __init__(self, client: Any, hold: Hold) -> None:
        self._client, self._hold = client, hold

    def _run(self, steps: Steps[Any]) -> Any:
        return self._client.run(steps)

    def is_set(self) -> bool:
        """Whether it is lost.  The clock is looked at each time."""
        return self._hold.is_lost

    @property
    def reason(self) -> str | None:
        """Why it was lost; None while it is not."""
        return self._hold.reason

    @recipe
    def wait(self, timeout: Duration | None = None) -> Steps[bool]:
        """Wait until it is lost; whether it is.

        The answer is False after *timeout* (seconds, "10s" or a timedelta), and when it was given
        back.
        """
        return self._waiting(time_limit("timeout", timeout))

    async def _waiting(self, limit: float | None) -> bool:
        if not self._hold.is_lost:
            await Wait(self._hold.ended, limit)
        return self._hold.is_lost

    def __repr__(self) -> str:
        return f"<Lost of {self._hold}: {'set' if self.is_set() else 'not set'}>"
