"""The lock of a key, as Consul's Go client and ``consul lock`` take it.

The key has flags of its own, by which a lock is told from other data, and belongs to a session.  Go
reads the key and then acquires it; here one transaction compares and acquires, because a key that
another program writes in between would be overwritten.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from consul.core.flavour import F, recipe
from consul.core.request import Once
from consul.core.steps import Delivered, Wait, sleep
from consul.core.turns import Tokens
from consul.core.values import text, time_limit
from consul.exceptions import (
    Closed,
    ConsulException,
    LockConflict,
    LockLost,
    LockNotAcquired,
    NotReady,
    TransactionRolledBack,
)
from consul.recipes.contests import Contest, Sessions, Verdict
from consul.recipes.holds import Hold, Lost, log
from consul.recipes.managed import Managed
from consul.recipes.polls import Read, lasting
from consul.recipes.sessions import LATE, Kept, SessionKeeper, repeatedly

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Steps, Task
    from consul.core.values import Text
    from consul.recipes.watch import Follower

#: Flags of a key that is a lock.
FLAGS = 0x2DDCCBC058A50C18
#: Attempts to give the lock back, and the seconds between them.
RELEASES, PAUSE = 3, 0.2

#: The locks that are held or about to be, by process, session and key.
_taken: dict[tuple[int, str, str], LockHold] = {}


class Holder(NamedTuple):
    """Who holds a lock."""

    session: str
    #: The value that the holder has written.
    value: bytes | None


def refuse_conflict(key: str, pair: Any) -> None:
    """Raise LockConflict where *pair*, read from *key*, is no lock."""
    if pair is not None and pair["Flags"] != FLAGS:
        raise LockConflict(f"key {key!r} is no lock: it has the flags {pair['Flags']:#x}")


def verdict(error: TransactionRolledBack) -> Verdict:
    """What *error* says of an attempt; raises it where that is something else."""
    told = " ".join(each["What"] for each in error.errors)
    if any(each["OpIndex"] == 0 for each in error.errors) or "lock is already held" in told:
        return Verdict.CHANGED
    if "lock delay" in told:
        return Verdict.DELAYED
    if "invalid session" in told:
        return Verdict.NO_SESSION
    raise error


class LockHold(Hold):
    """A key that is held with a session, or about to be."""

    def __init__(self, client: Any, key: str, value: Any, kept: Kept, follower: Follower) -> None:
        super().__init__(client.http)
        self.key, self.kept, self.follower = key, kept, follower
        self._kv, self._txn = client.kv._described, client.txn._described
        self._value = value
        #: The ``ModifyIndex`` of the key as of the acquisition; 0 before it.
        self.fencing = 0
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

    @property
    def live(self) -> bool:
        """Whether it is held at this moment, by the clock."""
        # The session first: where its time is over, it tells this one.
        return self.kept.live and self.fencing != 0 and super().live

    async def take(self, pair: Any) -> Verdict:
        """Take the key, which was *pair* when it was read."""
        begun = self._txn.begin().kv
        if pair is None:
            checked = begun.check_not_exists(self.key)
        else:
            checked = begun.check_index(self.key, pair["ModifyIndex"])
        operations = checked.kv.lock(self.key, self._value, self.kept.id, FLAGS).operations
        self._maybe = True
        try:
            answer = await Once(self._txn.put(operations))
        except TransactionRolledBack as error:
            self._maybe = False
            return verdict(error)
        self.taken(answer["Results"][-1]["KV"]["ModifyIndex"])
        return Verdict.TAKEN

    def taken(self, index: int) -> None:
        """It is held, since *index*; have the key watched from now on."""
        self.fencing = index
        log.info("%s is held with %s", self, self.kept)
        self.kept.lost.watch(self._lose_with_session)
        self.follower.join()
        self._look()

    def _lose_with_session(self) -> None:
        self.lose(f"{self.kept} was lost")

    def _look(self) -> None:
        """Look at the newest state of the key, now and whenever there is something new."""
        poll = self.follower.poll
        if self.ended or poll is None:
            return
        changed, news = poll.changes.next, poll.news
        if poll.failure is not None:
            self.lose(f"it cannot be watched: {poll.failure}")
        elif news is not None and (news.at or 0) >= self.fencing:
            pair = news.answer.data
            if pair is None:
                self.lose("its key was deleted")
            elif pair.get("Session") != self.kept.id:
                self.lose("its key was released, or taken by another session")
        if not self.ended:
            changed.watch(self._look)

    async def give_back(self) -> bool:
        """Release the key; whether it was held up to now."""
        self.end()
        try:
            held = await self._giving_back()
        except (ConsulException, GeneratorExit):
            self.forget()
            raise
        except BaseException:
            # It was cancelled, which may have cut the request.
            with suppress(ConsulException):
                await self._giving_back()
            self.forget()
            raise
        self.forget()
        return held

    async def _giving_back(self) -> bool:
        if self.lost or not (self.fencing or self._maybe):
            return False
        if not self.fencing:
            await sleep(LATE)
        return await self._releasing()

    def forget(self) -> None:
        """Another one may take the key with this session."""
        if self.give_back in self.kept.to_give_back:
            self.kept.to_give_back.remove(self.give_back)
        if _taken.get(self._entry) is self:
            del _taken[self._entry]
        self.kept.lost.unwatch(self._lose_with_session)

    async def _releasing(self) -> bool:
        for attempt in range(1, RELEASES + 1):
            call = self._kv.put(self.key, self._value, flags=FLAGS, release=self.kept.id)
            sure, self._sure = self._sure, False
            try:
                # Where an answer was lost it may have been done, and then it is False now.
                return bool(await call) or not sure
            except ConsulException as error:
                if lasting(error, True) or attempt == RELEASES:
                    raise
            await sleep(PAUSE)
        return False

    def __str__(self) -> str:
        return f"lock {self.key!r}"


class LockContest(Contest[LockHold]):
    """The competition for one key."""

    def __init__(self, client: Any, read: Read, sessions: Sessions, key: str, value: Any) -> None:
        super().__init__(client, read, sessions)
        self._client, self._key, self._value = client, key, value
        self._given = sessions.given

    async def attempt(self, state: Any) -> Verdict:
        """The steps of one attempt to take the key, which was *state* when it was read."""
        refuse_conflict(self._key, state)
        holder = None if state is None else state.get("Session")
        if self.once and holder not in (None, self._given, self.kept and self.kept.id):
            # A session would be made for nothing.
            return Verdict.BUSY
        kept = await self.session()
        if holder not in (None, kept.id):
            return Verdict.BUSY
        if self.hold is not None and self.hold.kept is not kept:
            self.hold.forget()
            self.hold = None
        if self.hold is None:
            self.hold = LockHold(self._client, self._key, self._value, kept, self.follower)
            if self._sessions.own:
                # It is for this lock alone.
                self.hold.lost.watch(kept.end)
        if state is None or holder is None:
            verdict = await self.hold.take(state)
        else:
            # An answer was lost, or another process had it with this session.
            self.hold.taken(state["ModifyIndex"])
            verdict = Verdict.TAKEN
        if verdict is Verdict.TAKEN and not self.hold.live:
            verdict = Verdict.NO_SESSION
        if verdict is Verdict.NO_SESSION:
            kept.lose("the server does not know it")
            self.hold.forget()
            self.hold = None
        return verdict

    async def withdraw(self) -> None:
        """Give the key back, where it may be held."""
        if self.hold is not None and not self._sessions.own:
            await self.hold.give_back()

    def __str__(self) -> str:
        return f"lock {self._key!r}"


class Lock(Managed[F]):
    """The lock of one key.  It is not reentrant, and can be taken again after it was given back."""

    def __init__(
        self,
        client: Any,
        key: Text,
        value: str | bytes | None = None,
        ttl: Duration | None = None,
        session: Text | SessionKeeper[Any] | None = None,
        lock_delay: Duration | None = None,
        timeout: Duration | None = None,
        node_checks: Iterable[Text] | None = None,
    ) -> None:
        super().__init__(client)
        self._key = text("key", key)
        self._value = value
        self._timeout = time_limit("timeout", timeout)
        self._read = Read(client, client.kv.get, (self._key,), {"consistency": "consistent"})
        # A value that cannot be written is refused here.
        client.txn.begin().kv.lock(self._key, value, "")
        options = {
            "ttl": ttl,
            "lock_delay": lock_delay,
            "node_checks": repeatedly(node_checks),
        }
        self._sessions = Sessions(client, f"lock {self._key}", session, options)
        #: Taken while it is held, or tried to be.
        self._free = Tokens()
        self._hold: LockHold | None = None
        self._last: LockHold | None = None

    # What does no I/O

    @property
    def held(self) -> bool:
        """Whether it is held at this moment.  The clock is looked at each time."""
        return self._hold is not None and self._hold.live

    def _newest(self) -> LockHold:
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

    @property
    def fencing(self) -> int:
        """A number that is greater with each acquisition of the key, by whomever.

        It is the key's ``ModifyIndex`` as of the acquisition.  Only a restored snapshot, or a new
        cluster, lowers it.  Give it to what the lock protects, to refuse those who come with a
        lower one.  Raises `consul.NotReady` before the first acquisition.
        """
        return self._newest().fencing

    # What does

    @recipe
    def acquire(self, timeout: Duration | None = None) -> Steps[bool]:
        """Take the lock; whether it is held now.

        It waits for *timeout* (seconds, "10s" or a timedelta) at most, else for that of the lock,
        else for ever.  With 0 it does not wait.

        Raises `consul.LockConflict` for a key that is no lock or for a lock that is held already,
        InvalidSession where the given session has ended, and what the requests raise at the
        beginning; later failures are repeated.

        ``PUT /v1/session/create``, ``GET /v1/kv/:key``, ``PUT /v1/txn``
        """
        limit = time_limit("timeout", timeout)
        acquiring = self._acquiring(self._timeout if limit is None else limit)
        return Delivered(acquiring, self._releasing)

    @recipe
    def release(self) -> Steps[bool]:
        """Give the lock back; whether it was held up to now, rather than lost before.

        The session is destroyed, unless it was given.

        ``PUT /v1/kv/:key``, ``PUT /v1/session/destroy/:session_id``
        """
        return self._releasing()

    @recipe
    def destroy(self) -> Steps[bool]:
        """Delete the key; False where somebody holds it.

        Raises `consul.LockConflict` where this lock is held, and for a key that is no lock.

        ``GET /v1/kv/:key``, ``DELETE /v1/kv/:key``
        """
        return self._destroying()

    @recipe
    def holder(self) -> Steps[Holder | None]:
        """Who holds the lock, as far as the servers know; None where nobody does.

        Raises `consul.LockConflict` for a key that is no lock.

        ``GET /v1/kv/:key``
        """
        return self._asking()

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
            contest = LockContest(self._client, self._read, self._sessions, self._key, self._value)
            found = await contest.run(limit)
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

    async def _leave_behind(self, hold: LockHold, watching: Task[None] | None) -> None:
        hold.forget()
        try:
            if watching is not None:
                await Wait(watching.done)
        finally:
            if self._sessions.own:
                await hold.kept.finish()

    async def _destroying(self) -> bool:
        if self.held:
            raise LockConflict(f"{self!r} is held: release it first")
        pair = (await self._read.first).data
        refuse_conflict(self._key, pair)
        if pair is None:
            return True
        if pair.get("Session") is not None:
            return False
        call = self._client.kv._described.delete(self._key, cas=pair["ModifyIndex"])
        return bool(await call)

    async def _asking(self) -> Holder | None:
        pair = (await self._read.first).data
        refuse_conflict(self._key, pair)
        if pair is None or pair.get("Session") is None:
            return None
        return Holder(pair["Session"], pair["Value"])

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
            # The session ends by itself, and with it the lock.
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
                # Its task gives the key back.
                hold.kept.end()

    def __repr__(self) -> str:
        return f"<Lock {self._key!r}>"
