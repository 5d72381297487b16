"""Whether, when and how long a call is repeated after it failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from consul.core.request import PLAIN_READ
from consul.core.signal import NEVER, Signal
from consul.core.steps import Now, Wait
from consul.exceptions import (
    ConnectionFailed,
    ConsulException,
    NoLeader,
    RateLimited,
    Timeout,
    TLSError,
)

if TYPE_CHECKING:
    from consul.core.request import Call

T = TypeVar("T")

#: Seconds that must be left for a repeat to begin.  A shorter one could only end in a timeout,
#: which hides what happened.
SHORTEST_ATTEMPT = 0.05


class Retry:
    """The policy: repeat within *limit* seconds of the first failure, and within the call's time.

    A dropped connection is repeated at once the first time, because a kept connection is often
    dropped.  Otherwise there is a pause before each repeat.  The longest pause before the first
    repeat is *first* seconds.  It doubles with each further repeat, up to *longest* seconds.  The
    pause itself is chosen by chance between half of that and all of it.  A server's ``Retry-After``
    counts where it is longer.

    These calls are repeated:

    * reads, and writes that have the same effect when done twice, when the connection was dropped,
      when there is no leader, and when the server answers 429 or 503;
    * any call that a rate limit refused before the server acted on it.

    These are never repeated:

    * a call that ran out of time;
    * a write that may have been done and that depends on a condition (``cas``, ``acquire``,
      ``release``) or makes something new each time (a session, an event).

    With *connect*, any call is repeated when no connection could be made.  So a client sits out the
    restart of an agent.  Without it, a wrong address shows at once.
    """

    __slots__ = ("connect", "first", "limit", "longest")

    def __init__(
        self,
        limit: float = 10.0,
        *,
        first: float = 0.05,
        longest: float = 2.0,
        connect: bool = False,
    ) -> None:
        for name, value in (("limit", limit), ("first", first), ("longest", longest)):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} must be seconds, not {value!r}")
            if not 0 < value < float("inf"):
                what = "finite" if value == float("inf") else "above 0 seconds"
                raise ValueError(f"{name} must be {what}: {value!r}")
        self.limit, self.first, self.longest, self.connect = limit, first, longest, connect

    def repeats(self, call: Call[Any], error: ConsulException) -> bool:
        """Whether *call*, which failed with *error*, is one to be repeated."""
        if error.of_hook:
            return False
        if isinstance(error, RateLimited):
            return call.repeatable or _refused(error)
        if isinstance(error, TLSError):
            return False
        if isinstance(error, ConnectionFailed):
            return call.repeatable if error.sent else self.connect
        return call.repeatable and isinstance(error, NoLeader)

    def pause(self, repeat: int, error: ConsulException, chance: float) -> float:
        """Seconds before the *repeat*-th repeat, from 0; *chance* is from 0 to 1."""
        if repeat == 0 and isinstance(error, ConnectionFailed) and error.sent:
            return 0.0
        return backoff(repeat, self.first, self.longest, error, chance)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in sorted(self.__slots__))
        return f"Retry({fields})"


def backoff(
    repeat: int, first: float, longest: float, error: ConsulException, chance: float
) -> float:
    """Seconds before the *repeat*-th repeat, from 0, after *error*; *chance* is from 0 to 1."""
    # The exponent is capped: 2.0 ** 1100 is an OverflowError.
    longest = min(longest, first * 2.0 ** min(repeat, 60))
    pause = longest * (0.5 + chance / 2)
    return max(pause, getattr(error, "retry_after", None) or 0.0)


def _refused(error: RateLimited) -> bool:
    """Whether the server surely did not act on the request: a 503 may come from a proxy that lost
    the connection to the agent halfway."""
    return error.status == 429 or "rate limit" in (error.body or "")


def _possible(error: ConsulException) -> bool:
    """Whether the server may have acted on a request that failed with *error*."""
    if isinstance(error, ConnectionFailed):
        return error.sent
    return not (isinstance(error, RateLimited) and _refused(error))


async def repeating(
    call: Call[T],
    retry: Retry,
    error: ConsulException,
    began: float,
    attempt: Callable[[Call[T]], Awaitable[T]],
    chance: Callable[[], float] | None = None,
    end: Signal = NEVER,
) -> T:
    """The steps from the first failure on: *error*, of a call that was made at *began*.

    *end* is set when the client is closed, and ends a pause.
    """
    if chance is None:
        # Loaded here, because importing it takes long and few calls fail.
        import random

        chance = random.random
    failed = await Now()
    deadline = call.request.deadline
    last = failed + retry.limit
    if deadline is not None:
        last = min(last, began + deadline)
    repeat = 0
    # Whether any of the attempts may have reached the server.
    sent = _possible(error)
    while retry.repeats(call, error):
        pause = retry.pause(repeat, error, chance())
        if await Now() + pause >= last - SHORTEST_ATTEMPT:
            break
        if pause:
            await Wait(end, pause)
        next_call = call.after(await Now() - began).at_once()
        try:
            return await attempt(next_call)
        except ConsulException as another:
            sent = sent or _possible(another)
            if _cut_short(another, next_call, deadline):
                # It says nothing, while the failure before it does.
                break
            error = another
        repeat += 1
    if isinstance(error, ConnectionFailed):
        error.sent = sent
    raise error


def _cut_short(error: ConsulException, call: Call[Any], deadline: float | None) -> bool:
    """Whether *error* only says that a repeat had little of the call's time left."""
    limit = call.request.deadline
    return (
        isinstance(error, Timeout)
        and deadline is not None
        and limit is not None
        and limit < min(deadline, PLAIN_READ) / 2
    )
