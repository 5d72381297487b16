"""The semaphore below a prefix, as Consul's Go client and ``consul lock -n`` take it.

``PREFIX/.lock`` has the limit and the holders, ``PREFIX/SESSION`` is the entry of each who takes
part, held with its session and gone with it.  A holder without an entry does not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from consul.core.flavour import F, recipe
from consul.core.values import at_least_one, text
from consul.exceptions import LockConflict, TransactionRolledBack
from consul.recipes.contests import (
    Contest,
    Contested,
    Holder,
    SessionHold,
    Sessions,
    Verdict,
    verdict,
)
from consul.recipes.polls import Read
from consul.recipes.sessions import Kept, repeatedly
from consul.recipes.watch import Follower

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Steps
    from consul.core.values import Text
    from consul.recipes.sessions import SessionKeeper

#: Flags of the keys of a semaphore.
FLAGS = 0xE0F69A2BAA414DE0


class Seats(NamedTuple):
    """What is known of a semaphore."""

    #: None where nobody has made it.
    limit: int | None
    #: The sessions of the holders that are alive, in order.
    holders: tuple[str, ...]
    #: ``ModifyIndex`` of the key that says so; 0 where there is none.
    at: int
    #: The values of all that take part, by their sessions.
    entries: dict[str, bytes | None]


def seats(prefix: str, pairs: Any) -> Seats:
    """What *pairs*, all keys below *prefix*, say.  Raises LockConflict for what is no semaphore."""
    entries = {pair["Session"]: pair["Value"] for pair in pairs or () if pair.get("Session")}
    key = f"{prefix}/.lock"
    pair = next((pair for pair in pairs or () if pair["Key"] == key), None)
    if pair is None:
        return Seats(None, (), 0, entries)
    if pair["Flags"] != FLAGS:
        raise LockConflict(f"key {key!r} is no semaphore: it has the flags {pair['Flags']:#x}")
    try:
        found = json.loads(pair["Value"] or b"")
        limit = at_least_one("Limit", found["Limit"])
        named = [session for session, holds in (found["Holders"] or {}).items() if holds]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise LockConflict(f"key {key!r} is no semaphore: it says {pair['Value']!r}") from None
    alive = tuple(sorted(session for session in named if session in entries))
    return Seats(limit, alive, pair["ModifyIndex"], entries)


def written(limit: int, holders: Iterable[str]) -> str:
    """What Go programs write of the *holders*, byte for byte."""
    value = {"Limit": limit, "Holders": dict.fromkeys(sorted(holders), True)}
    return json.dumps(value, separators=(",", ":"))


class Place(SessionHold):
    """A place of a semaphore that is held with a session, or about to be."""

    kind = "semaphore"

    def __init__(self, client: Any, key: str, value: Any, kept: Kept, follower: Follower) -> None:
        super().__init__(client, key, value, kept, follower)
        self._lock, self._own = f"{key}/.lock", f"{key}/{kept.id}"

    async def take(self, found: Seats, limit: int) -> Verdict:
        """The steps that take a place, where *found* is what was read."""
        value = written(limit, [*found.holders, self.kept.id or ""])
        entry = self._txn.begin().kv.lock(self._own, self._value, self.kept.id, FLAGS)
        return await self.attempt(entry.kv.cas(self._lock, value, found.at, FLAGS).operations)

    async def _release(self) -> bool:
        while True:
            pairs = (
                await self._kv.get(f"{self.key}/", recurse=True, consistency="consistent")
            ).data
            found = seats(self.key, pairs)
            held = self.kept.id in found.holders
            end = self._txn.begin()
            if held:
                others = [session for session in found.holders if session != self.kept.id]
                value = written(found.limit or 1, others)
                end = end.kv.cas(self._lock, value, found.at, FLAGS)
            if found.entries.keys() & {self.kept.id}:
                end = end.kv.delete(self._own)
            if not end.operations:
                return False
            try:
                await self._txn.put(end.operations)
            except TransactionRolledBack as error:
                if verdict(error) is Verdict.CHANGED:
                    continue
                raise
            return held

    def _missing(self, state: Any) -> str | None:
        try:
            found = seats(self.key, state)
        except LockConflict as error:
            return str(error)
        if self.kept.id not in found.entries:
            return "its entry was deleted or released"
        if self.kept.id not in found.holders:
            return "it was taken off the list of holders"
        return None


class SemaphoreContest(Contest[Place]):
    """The competition for a place."""

    hold_class = Place

    def __init__(
        self, client: Any, read: Read, sessions: Sessions, key: str, value: Any, limit: int
    ) -> None:
        super().__init__(client, read, sessions, key, value)
        self._limit = limit

    async def attempt(self, state: Any) -> Verdict:
        """The steps of one attempt, where *state* is what was read below the prefix."""
        found = seats(self._key, state)
        if found.limit not in (None, self._limit):
            raise LockConflict(
                f"{self} has the limit {found.limit}, not {self._limit}: destroy it first"
            )
        full = len(found.holders) >= self._limit
        ours = (self._sessions.given, self.kept and self.kept.id)
        if self.once and full and not any(session in ours for session in found.holders):
            # A session would be made for nothing.
            return Verdict.BUSY
        kept = await self.session()
        adopted = kept.id in found.holders
        if full and not adopted:
            return Verdict.BUSY
        place = await self.holding()
        if not adopted:
            return await place.take(found, self._limit)
        # An answer was lost, or another process had it with this session.
        place.taken(found.at)
        return Verdict.TAKEN


class Semaphore(Contested[Place, F]):
    """One of a number of places.  It can be taken again after it was given back."""

    def __init__(
        self,
        client: Any,
        prefix: Text,
        limit: int,
        value: str | bytes | None = None,
        ttl: Duration | None = None,
        session: Text | SessionKeeper[Any] | None = None,
        timeout: Duration | None = None,
        node_checks: Iterable[Text] | None = None,
    ) -> None:
        prefix = text("prefix", prefix).rstrip("/")
        if not prefix:
            raise ValueError("prefix must not be empty")
        options = {"recurse": True, "consistency": "consistent"}
        read = Read(client, client.kv.get, (f"{prefix}/",), options)
        own = {"ttl": ttl, "node_checks": repeatedly(node_checks)}
        sessions = Sessions(client, f"semaphore {prefix}", session, own, behavior="delete")
        super().__init__(client, prefix, value, read, sessions, timeout)
        self._limit = at_least_one("limit", limit)

    def _contest(self) -> SemaphoreContest:
        return SemaphoreContest(
            self._client, self._read, self._sessions, self._key, self._value, self._limit
        )

    @recipe
    def holders(self) -> Steps[list[Holder]]:
        """Who holds a place, as far as the servers know.

        Raises `consul.LockConflict` for a key that is no semaphore.

        ``GET /v1/kv/:key``
        """
        return self._asking()

    def _remains(self, state: Any) -> tuple[str, int, bool]:
        found = seats(self._key, state)
        return f"{self._key}/.lock", found.at, bool(found.holders)

    async def _asking(self) -> list[Holder]:
        found = seats(self._key, (await self._read.first).data)
        return [Holder(session, found.entries[session]) for session in found.holders]
