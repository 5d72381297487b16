"""The competition for something that is held with a session: a lock, a place of a semaphore."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from consul.core.request import Once
from consul.core.retry import backoff
from consul.core.steps import Now, Wait, sleep
from consul.core.values import seconds, text
from consul.exceptions import ConsulException, InvalidSession, Timeout
from consul.recipes.holds import Hold, log
from consul.recipes.items import End
from consul.recipes.polls import Read, lasting
from consul.recipes.sessions import Kept, SessionKeeper
from consul.recipes.watch import Follower

if TYPE_CHECKING:
    from consul.core.steps import Step

H = TypeVar("H", bound=Hold)

#: Seconds between two attempts during a lock-delay, by chance.
SOONEST, LATEST = 0.5, 1.0
#: Seconds before the first repeat after a failure, and the longest ones.
FIRST, LONGEST = 0.2, 5.0
#: Queries for what is competed for: so many at once, and so many a second from then on.
RATE = (100.0, 50.0)

#: What has not been read.
UNKNOWN: Any = object()


class Verdict(Enum):
    """What came of an attempt."""

    TAKEN = auto()
    #: Others have it.
    BUSY = auto()
    #: It is not what it was when it was read.
    CHANGED = auto()
    #: The servers keep it free for a while.
    DELAYED = auto()
    #: There is no such session.
    NO_SESSION = auto()
    FAILED = auto()


class Sessions:
    """Where those who compete have their sessions from: *session* is one that is given.

    *options* are those of a session of one's own, as they were given.
    """

    def __init__(self, client: Any, name: str, session: Any, options: Mapping[str, Any]) -> None:
        if session is not None:
            for option, value in options.items():
                if value is not None:
                    raise ValueError(f"session and {option} exclude each other")
        self._client, self._name = client, name
        self._keeper = session if isinstance(session, SessionKeeper) else None
        #: The id, where that is what was given.
        self.given = None if session is None or self._keeper else text("session", session)
        ttl = options["ttl"]
        self._ttl = seconds("ttl", "15s" if ttl is None else ttl)
        self._options = {name: value for name, value in options.items() if name != "ttl"}
        # What is wrong is refused here.
        client.session._described.create(name, ttl=self._ttl, **self._options)

    @property
    def own(self) -> bool:
        """Whether they are renewed for who competes alone."""
        return self._keeper is None

    @property
    def fixed(self) -> bool:
        """Whether there is only one."""
        return self._keeper is not None or self.given is not None

    def next(self, last: Kept | None) -> Kept:
        """The session to compete with after *last*, which may have to be begun."""
        if self._keeper is not None:
            return self._keeper.kept
        if last is not None and (last.live or self.given is not None):
            return last
        return Kept(self._client, self._ttl, self._options, self._name, self.given)


class Contest(Generic[H]):
    """One competition for what *read* reads.  A subclass defines `attempt`."""

    def __init__(self, client: Any, read: Read, sessions: Sessions) -> None:
        import random

        self._chance = random.uniform
        self._read, self._sessions = read, sessions
        self.follower = Follower(client, read, {"rate": RATE})
        self.kept: Kept | None = None
        #: What is held, or may be.
        self.hold: H | None = None
        #: Whether there is one attempt only, without waiting.
        self.once = False
        self._end: float | None = None

    async def attempt(self, state: Any) -> Verdict:
        """The steps of one attempt, where *state* is what was read."""
        raise NotImplementedError

    async def withdraw(self) -> None:
        """Give back what may be held."""
        raise NotImplementedError

    async def session(self) -> Kept:
        """The session to compete with."""
        last, kept = self.kept, self._sessions.next(self.kept)
        if kept is not last:
            if last is not None:
                await last.finish()
            # First, so that it is finished whatever comes.
            self.kept = kept
            if self._sessions.own:
                await kept.begin()
        if not kept.live:
            raise InvalidSession(f"{kept} has ended")
        return kept

    async def within(self, step: Step[Any]) -> Any:
        """Perform *step* in the time that is left."""
        if self._end is not None:
            step = step.within(max(0.001, self._end - await Now()))
        return await step

    async def run(self, limit: float | None) -> H | None:
        """The steps to what is held; None where that is not within *limit* seconds."""
        self.once = limit == 0
        if limit:
            self._end = await Now() + limit
        try:
            won = await self._running()
        except BaseException:
            await self.leave()
            raise
        if not won:
            await self.leave()
            return None
        return self.hold

    async def leave(self) -> None:
        """The steps that free all that it has."""
        try:
            if self.hold is not None:
                await self.withdraw()
        finally:
            task = self.follower.leave()
            try:
                if task is not None:
                    await Wait(task.done)
            finally:
                if self.kept is not None and self._sessions.own:
                    await self.kept.finish()

    async def _running(self) -> bool:
        state, heard, failures, pause = UNKNOWN, False, 0, 0.0
        while True:
            try:
                if state is UNKNOWN:
                    first = self._read.first
                    state = (await self.within(Once(first) if heard else first)).data
                    heard = True
                verdict = await self.attempt(state)
                failures = 0
            except ConsulException as error:
                if self.once or not heard or self._is_final(error):
                    raise
                (log.info if failures else log.warning)("%s is tried again: %s", self, error)
                pause = backoff(failures, FIRST, LONGEST, error, self._chance(0, 1))
                verdict, failures = Verdict.FAILED, failures + 1
            if verdict is Verdict.TAKEN:
                return True
            if self.once and verdict in (Verdict.BUSY, Verdict.DELAYED):
                return False
            left = None if self._end is None else self._end - await Now()
            if left is not None and left <= 0:
                return False
            if verdict is Verdict.BUSY:
                try:
                    state = await self._change(left)
                except Timeout:
                    return False
                continue
            if verdict is Verdict.DELAYED:
                await self._pause(self._chance(SOONEST, LATEST), left)
                continue
            if verdict is Verdict.FAILED:
                await self._pause(pause, left)
            state = UNKNOWN

    def _is_final(self, error: ConsulException) -> bool:
        """Whether *error* is one that another attempt does not mend."""
        if isinstance(error, InvalidSession):
            return self._sessions.fixed
        # What is about no request is what we found.
        return error.method is None or lasting(error, True)

    async def _change(self, left: float | None) -> Any:
        """The next state, within the seconds that are *left*."""
        kept = self.kept
        if kept is None or not self._sessions.fixed:
            # Where the session ends meanwhile, there will be another one.
            return (await self.follower.next(left)).data
        kept.ended.watch(self.follower.leave)
        try:
            return (await self.follower.next(left)).data
        except End:
            raise InvalidSession(f"{kept} has ended") from None
        finally:
            kept.ended.unwatch(self.follower.leave)

    async def _pause(self, pause: float, left: float | None) -> None:
        await sleep(pause if left is None else min(pause, left))
