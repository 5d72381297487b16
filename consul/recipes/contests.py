"""What is held with a session, and the competition for it: a lock, a place of a semaphore."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

from consul.core.flavour import F, recipe
from consul.core.request import Once
from consul.core.retry import backoff
from consul.core.steps import Certain, Delivered, Now, Wait, sleep
from consul.core.turns import Tokens
from consul.core.values import seconds, text, time_limit
from consul.exceptions import (
    Closed,
    ConsulException,
    InvalidSession,
    LockConflict,
    LockLost,
    LockNotAcquired,
    NotReady,
    Timeout,
    TransactionRolledBack,
)
from consul.recipes.holds import Hold, Lost, log
from consul.recipes.items import End
from consul.recipes.managed import Managed, surely
from consul.recipes.polls import Read, lasting
from consul.recipes.sessions import LATE, Kept, SessionKeeper
from consul.recipes.watch import Follower

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Step, Steps, Task

H = TypeVar("H", bound="SessionHold")

#: Seconds between two attempts during a lock-delay, by chance.
SOONEST, LATEST = 0.5, 1.0
#: Seconds before the first repeat after a failure, and the longest ones.
FIRST, LONGEST = 0.2, 5.0
#: Attempts to give back what is held, and the seconds between them.
RELEASES, PAUSE = 3, 0.2
#: Queries for what is competed for: so many at once, and so many a second from then on.
RATE = (100.0, 50.0)

#: What has not been read.
UNKNOWN: Any = object()

#: What is held or about to be, by process, session and key.
_taken: dict[tuple[int, str, str], SessionHold] = {}


class Holder(NamedTuple):
    """Who holds a lock, or a place of a semaphore."""

    session: str
    #: The value that the holder has written.
    value: bytes | None


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


#: What servers say of an operation that failed, and what that means.  A session that is invalid
#: comes first: what else has failed does not matter then.
_SAID = {
    "invalid session": Verdict.NO_SESSION,
    "due to lock delay": Verdict.DELAYED,
    "lock is already held": Verdict.CHANGED,
    "lock isn't held": Verdict.CHANGED,
    "index is stale": Verdict.CHANGED,
    "failed index check": Verdict.CHANGED,
    "current modify index": Verdict.CHANGED,
    "exists": Verdict.CHANGED,
}


def verdict(error: TransactionRolledBack) -> Verdict:
    """What *error* says of an attempt; raises it where that is something else."""
    told = " ".join(each["What"] for each in error.errors)
    for text_, found in _SAID.items():
        if text_ in told:
            return found
    raise error


class SessionHold(Hold):
    """What is held with a session, or about to be.

    A subclass defines `_release` and `_missing`.
    """

    #: What it is, for messages.
    kind: ClassVar[str]

    def __init__(self, client: Any, key: str, value: Any, kept: Kept, follower: Follower) -> None:
        super().__init__(client.http)
        self.key, self.kept, self.follower = key, kept, follower
        self._kv, self._txn = client.kv._described, client.txn._described
        self._value = value
        #: The index of the acquisition; 0 before it.
        self.index = 0
        #: Whether an attempt may have been successful though its answer was lost.
        self._maybe = False
        #: Whether no release was tried yet.
        self._sure = True
        #: Who takes it may release.
        self.to_release = Tokens()
        self._entry = (os.getpid(), kept.id or "", key)
        if _taken.setdefault(self._entry, self) is not self:
            raise LockConflict(f"{self} is held in this process already, with the same session")
        kept.to_give_back.append(self.give_back)

    async def _release(self) -> bool:
        """The steps of one attempt to give it back; whether it was held."""
        raise NotImplementedError

    def _missing(self, state: Any) -> str | None:
        """Why it is not held where *state* is what was read; None where it is."""
        raise NotImplementedError

    @property
    def live(self) -> bool:
        """Whether it is held at this moment, by the clock."""
        # The session first: where its time is over, it tells this one.
        return self.kept.live and self.index != 0 and super().live

    async def attempt(self, operations: Any) -> Verdict:
        """Take it by a transaction."""
        self._maybe = True
        try:
            answer = await Once(self._txn.put(operations))
        except TransactionRolledBack as error:
            self._maybe = False
            return verdict(error)
        self.taken(answer["Results"][-1]["KV"]["ModifyIndex"])
        return Verdict.TAKEN

    def taken(self, index: int) -> None:
        """It is held, since *index*; have it watched from now on."""
        self.index = index
        log.info("%s is held with %s", self, self.kept)
        self.kept.lost.watch(self._lose_with_session)
        self.follower.join()
        self._look()

    def _lose_with_session(self) -> None:
        self.lose(f"{self.kept} was lost")

    def _look(self) -> None:
        """Look at the newest state, now and whenever there is something new."""
        poll = self.follower.poll
        if self.ended or poll is None:
            return
        changed, news = poll.changes.next, poll.news
        if poll.failure is not None:
            self.lose(f"it cannot be watched: {poll.failure}")
        elif news is not None and (news.at or 0) >= self.index:
            reason = self._missing(news.answer.data)
            if reason is not None:
                self.lose(reason)
        if not self.ended:
            changed.watch(self._look)

    async def give_back(self) -> bool:
        """The steps that give it back; whether it was held up to now."""
        self.end()
        try:
            return await surely(self._giving_back)
        finally:
            self.forget()

    async def _giving_back(self) -> bool:
        if self.lost or not (self.index or self._maybe):
            return False
        if not self.index:
            await sleep(LATE)
        for attempt in range(1, RELEASES + 1):
            sure, self._sure = self._sure, False
            try:
                # Where an answer was lost it may have been done, and then it is False now.
                return await self._release() or not sure
            except ConsulException as error:
                if lasting(error, True) or attempt == RELEASES:
                    raise
            await sleep(PAUSE)
        return False

    def forget(self) -> None:
        """Another one may take it with this session."""
        if self.give_back in self.kept.to_give_back:
            self.kept.to_give_back.remove(self.give_back)
        if _taken.get(self._entry) is self:
            del _taken[self._entry]
        self.kept.lost.unwatch(self._lose_with_session)

    def __str__(self) -> str:
        return f"{self.kind} {self.key!r}"


class Sessions:
    """Where those who compete have their sessions from: *session* is one that is given.

    *options* are those of a session of one's own, as they were given, beside its *behavior*.
    """

    def __init__(
        self,
        client: Any,
        name: str,
        session: Any,
        options: Mapping[str, Any],
        behavior: str = "release",
    ) -> None:
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
        others = {name: value for name, value in options.items() if name != "ttl"}
        self._options = {**others, "behavior": behavior}
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
    """One competition for what *read* reads, called *key*.

    A subclass defines `attempt`, and `hold_class`.
    """

    hold_class: type[H]

    def __init__(self, client: Any, read: Read, sessions: Sessions, key: str, value: Any) -> None:
        import random

        self._chance = random.uniform
        self._client, self._key, self._value = client, key, value
        self._read, self._sessions = read, sessions
        self.follower = Follower(client, read, {"rate": RATE})
        self.kept: Kept | None = None
        #: What is held, or may be.
        self.hold: H | None = None
        #: Whether there is one attempt only, without waiting.
        self.once = False
        self._end: float | None = None
        self._over = False

    async def attempt(self, state: Any) -> Verdict:
        """The steps of one attempt, where *state* is what was read."""
        raise NotImplementedError

    async def holding(self) -> H:
        """The steps to what is held as soon as an attempt of it is successful."""
        kept = await self.session()
        if self.hold is not None and self.hold.kept is not kept:
            self.hold.forget()
            self.hold = None
        if self.hold is None:
            self.hold = self.hold_class(self._client, self._key, self._value, kept, self.follower)
            if self._sessions.own:
                # It is for this one alone.
                self.hold.lost.watch(kept.end)
        return self.hold

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
        except GeneratorExit:
            # It is dropped, and cannot await anything any more.
            raise
        except BaseException:
            await self.leave()
            raise
        if not won:
            await self.leave()
            return None
        self._over = True
        return self.hold

    def __del__(self) -> None:
        if not getattr(self, "_over", True) and self.kept is not None and self._sessions.own:
            # It was dropped.  The task of the session gives back what it holds.
            self.kept.end()

    async def leave(self) -> None:
        """The steps that free all that it has."""
        self._over = True
        try:
            if self.hold is not None and not self._sessions.own:
                await self.hold.give_back()
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
                verdict = self._judge(await self.attempt(state))
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
            if verdict is Verdict.NO_SESSION:
                pause = FIRST
            if verdict is not Verdict.CHANGED:
                await self._pause(pause, left)
            state = UNKNOWN

    def _judge(self, verdict: Verdict) -> Verdict:
        """*verdict* with regard to the session."""
        if verdict is Verdict.TAKEN and self.hold is not None and not self.hold.live:
            # Its time was over before the answer came.
            verdict = Verdict.NO_SESSION
        if verdict is Verdict.NO_SESSION and self.kept is not None:
            self.kept.lose("the server has ended it")
        return verdict

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

    def __str__(self) -> str:
        return f"{self.hold_class.kind} {self._key!r}"


class Contested(Managed[F], Generic[H, F]):
    """What is taken, held and given back: a lock, a place of a semaphore.

    A subclass defines `_contest` and `_remains`.
    """

    def __init__(
        self,
        client: Any,
        key: str,
        value: str | bytes | None,
        read: Read,
        sessions: Sessions,
        timeout: Duration | None,
    ) -> None:
        super().__init__(client)
        self._key, self._value = key, value
        self._read, self._sessions = read, sessions
        self._timeout = time_limit("timeout", timeout)
        # A value that cannot be written is refused here.
        client.txn.begin().kv.set(key, value)
        #: Taken while it is held, or tried to be.
        self._free = Tokens()
        self._hold: H | None = None
        self._last: H | None = None

    # What does no I/O

    @property
    def held(self) -> bool:
        """Whether it is held at this moment.  The clock is looked at each time."""
        return self._hold is not None and self._hold.live

    def _contest(self) -> Contest[H]:
        """The competition for it."""
        raise NotImplementedError

    def _remains(self, state: Any) -> tuple[str, int, bool]:
        """Its key, the ``ModifyIndex`` of that (0 where there is none), and whether others hold it.

        *state* is what was read; raises LockConflict for what is something else.
        """
        raise NotImplementedError

    def _newest(self) -> H:
        if self._last is None:
            raise NotReady(f"{self!r} was not acquired yet")
        return self._last

    @property
    def lost(self) -> Lost[F]:
        """Whether the newest acquisition was lost; raises `consul.NotReady` before the first."""
        return Lost(self._client, self._newest())

    @property
    def session(self) -> str:
        """The session of the newest acquisition; raises `consul.NotReady` before the first."""
        return self._newest().kept.id or ""

    # What does

    @recipe
    def acquire(self, timeout: Duration | None = None) -> Steps[bool]:
        """Take it; whether it is held now.

        It waits for *timeout* (seconds, "10s" or a timedelta) at most, else for the *timeout* that
        it was made with, else for ever.  With 0 it does not wait.

        Raises `consul.LockConflict` for a key that is something else and for what is held already,
        InvalidSession where the given session has ended, and what the requests raise at the
        beginning; later failures are repeated.

        ``PUT /v1/session/create``, ``GET /v1/kv/:key``, ``PUT /v1/txn``
        """
        limit = time_limit("timeout", timeout)
        acquiring = self._acquiring(self._timeout if limit is None else limit)
        return Delivered(acquiring, self._releasing)

    @recipe
    def release(self) -> Steps[bool]:
        """Give it back; whether it was held up to now, rather than lost before.

        The session is destroyed, unless it was given.

        ``PUT /v1/kv/:key``, ``PUT /v1/session/destroy/:session_id``
        """
        return Certain(self._releasing)

    @recipe
    def destroy(self) -> Steps[bool]:
        """Delete its key; False where somebody holds it.

        Raises `consul.LockConflict` where this one is held, and for a key that is something else.

        ``GET /v1/kv/:key``, ``DELETE /v1/kv/:key``
        """
        return self._destroying()

    async def _destroying(self) -> bool:
        if self.held:
            raise LockConflict(f"{self!r} is held: release it first")
        key, index, busy = self._remains((await self._read.first).data)
        if busy or not index:
            return not busy
        return bool(await self._client.kv._described.delete(key, cas=index))

    async def _acquiring(self, limit: float | None) -> bool:
        hold = self._hold
        if hold is not None and not hold.here:
            # It is the parent's.
            self._hold, self._free = None, Tokens()
        elif hold is not None and hold.is_lost:
            await self._releasing()
        if not self._free.take():
            raise LockConflict(f"{self!r} is held or being acquired already")
        taken = False
        try:
            found = await self._contest().run(limit)
            if found is not None:
                self._hold = self._last = found
                taken = True
            return taken
        finally:
            if not taken:
                self._free.give()

    async def _releasing(self) -> bool:
        hold = self._hold
        if hold is not None and not hold.here:
            raise Closed(f"{self!r} belongs to the process that was forked")
        if hold is None or not hold.to_release.take():
            return False
        held = hold.live
        self._hold = None
        hold.end()
        # Its poll would be woken by the release.
        watching = hold.follower.leave()
        try:
            if held:
                held = await hold.give_back()
        finally:
            try:
                await self._leave_behind(hold, watching)
            finally:
                self._free.give()
        if held:
            log.info("%s is given back", hold)
        return held

    async def _leave_behind(self, hold: H, watching: Task[None] | None) -> None:
        try:
            if watching is not None:
                await Wait(watching.done)
        finally:
            if self._sessions.own:
                await hold.kept.finish()
            hold.forget()

    # As a block

    async def _enter(self) -> None:
        if not await self._acquiring(self._timeout):
            raise LockNotAcquired(f"{self!r} was not free within {self._timeout:g} s")

    async def _leave(self, error: BaseException | None) -> None:
        hold = self._hold
        if hold is None:
            return
        try:
            if await self._releasing():
                return
        except Closed:
            raise
        except ConsulException as failure:
            # The session ends by itself, and with it what is held.
            log.warning("%s could not be given back: %s", hold, failure)
            return
        told = f"{hold} was lost before its block had ended: {hold.reason}"
        if error is None:
            raise LockLost(told)
        error.add_note(told)

    def __del__(self) -> None:
        hold = getattr(self, "_hold", None)
        if hold is not None and hold.here:
            hold.end()
            if self._sessions.own:
                # Its task gives it back.
                hold.kept.end()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._key!r}>"
