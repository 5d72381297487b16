"""The lock of a key, as Consul's Go client and ``consul lock`` take it.

The key has flags of its own, by which a lock is told from other data, and belongs to a session.  Go
reads the key and then acquires it; here one transaction compares and acquires, because a key that
another program writes in between would be overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from consul.core.flavour import F, recipe
from consul.core.values import text
from consul.exceptions import LockConflict
from consul.recipes.contests import (
    Contest,
    Contested,
    Holder,
    SessionHold,
    Sessions,
    Verdict,
)
from consul.recipes.polls import Read
from consul.recipes.sessions import repeatedly

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Steps
    from consul.core.values import Text
    from consul.recipes.sessions import SessionKeeper

#: Flags of a key that is a lock.
FLAGS = 0x2DDCCBC058A50C18


def refuse_conflict(key: str, pair: Any) -> None:
    """Raise LockConflict where *pair*, read from *key*, is no lock."""
    if pair is not None and pair["Flags"] != FLAGS:
        raise LockConflict(f"key {key!r} is no lock: it has the flags {pair['Flags']:#x}")


class LockHold(SessionHold):
    """A key that is held with a session, or about to be."""

    kind = "lock"

    async def take(self, pair: Any) -> Verdict:
        """The steps that take the key, which was *pair* when it was read."""
        begun = self._txn.begin().kv
        if pair is None:
            checked = begun.check_not_exists(self.key)
        else:
            checked = begun.check_index(self.key, pair["ModifyIndex"])
        taken = checked.kv.lock(self.key, self._value, self.kept.id, FLAGS)
        return await self.attempt(taken.operations)

    async def _release(self) -> bool:
        call = self._kv.put(self.key, self._value, flags=FLAGS, release=self.kept.id)
        return bool(await call)

    def _missing(self, state: Any) -> str | None:
        if state is None:
            return "its key was deleted"
        if state.get("Session") != self.kept.id:
            return "its key was released, or taken by another session"
        return None


class LockContest(Contest[LockHold]):
    """The competition for one key."""

    hold_class = LockHold

    async def attempt(self, state: Any) -> Verdict:
        """The steps of one attempt to take the key, which was *state* when it was read."""
        refuse_conflict(self._key, state)
        holder = None if state is None else state.get("Session")
        if self.once and holder not in (None, self._sessions.given, self.kept and self.kept.id):
            # A session would be made for nothing.
            return Verdict.BUSY
        kept = await self.session()
        if holder not in (None, kept.id):
            return Verdict.BUSY
        hold = await self.holding()
        if state is None or holder is None:
            return await hold.take(state)
        # An answer was lost, or another process had it with this session.
        hold.taken(state["ModifyIndex"])
        return Verdict.TAKEN


class Lock(Contested[LockHold, F]):
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
        key = text("key", key)
        read = Read(client, client.kv.get, (key,), {"consistency": "consistent"})
        options = {
            "ttl": ttl,
            "lock_delay": lock_delay,
            "node_checks": repeatedly(node_checks),
        }
        sessions = Sessions(client, f"lock {key}", session, options)
        super().__init__(client, key, value, read, sessions, timeout)

    def _contest(self) -> LockContest:
        return LockContest(self._client, self._read, self._sessions, self._key, self._value)

    @property
    def fencing(self) -> int:
        """A number that is greater with each acquisition of the key, by whomever.

        It is the key's ``ModifyIndex`` as of the acquisition.  Only a restored snapshot, or a new
        cluster, lowers it.  Give it to what the lock protects, to refuse those who come with a
        lower one.  Raises `consul.NotReady` before the first acquisition.
        """
        return self._newest().index

    @recipe
    def holder(self) -> Steps[Holder | None]:
        """Who holds the lock, as far as the servers know; None where nobody does.

        Raises `consul.LockConflict` for a key that is no lock.

        ``GET /v1/kv/:key``
        """
        return self._asking()

    def _remains(self, state: Any) -> tuple[str, int, bool]:
        refuse_conflict(self._key, state)
        if state is None:
            return self._key, 0, False
        return self._key, state["ModifyIndex"], state.get("Session") is not None

    async def _asking(self) -> Holder | None:
        pair = (await self._read.first).data
        refuse_conflict(self._key, pair)
        if pair is None or pair.get("Session") is None:
            return None
        return Holder(pair["Session"], pair["Value"])
