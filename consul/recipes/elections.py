"""The election of a leader: who holds the lock of a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from consul.core.flavour import F, Flavoured, recipe
from consul.core.steps import Certain, Delivered, Invoke, Now, Spawn, Wait, beside, wait_any
from consul.core.values import text, time_limit
from consul.recipes.holds import Lost
from consul.recipes.locks import Lock, LockHold, refuse_conflict
from consul.recipes.managed import Managed
from consul.recipes.polls import Read, calling
from consul.recipes.watch import Watch

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Steps
    from consul.core.values import Text
    from consul.recipes.sessions import SessionKeeper


def value_of(pair: Any) -> bytes | None:
    """The value of the leader, who has written *pair*; None where there is none."""
    if pair is None or pair.get("Session") is None:
        return None
    return pair["Value"] or b""


class Leadership(Flavoured[F]):
    """One term of a leader, until it resigns or is lost."""

    def __init__(self, client: Any, hold: LockHold) -> None:
        self._client, self._hold = client, hold

    @property
    def held(self) -> bool:
        """Whether it is the leader at this moment.  The clock is looked at each time."""
        return self._hold.live

    @property
    def lost(self) -> Lost[F]:
        """Whether the leadership was lost."""
        return Lost(self._client, self._hold)

    @property
    def fencing(self) -> int:
        """A number that is greater with each term, like `consul.recipes.locks.Lock.fencing`."""
        return self._hold.index

    def __repr__(self) -> str:
        return f"<Leadership of {self._hold}: {'held' if self.held else 'not held'}>"


class Leaders(Watch[bytes | None, F]):
    """The values of one leader after another; None while there is none."""

    def __init__(self, client: Any, key: str) -> None:
        super().__init__(client, Read(client, client.kv.get, (key,), {}))
        self._key = key
        self._known: Any = self

    async def _within(self, limit: float | None) -> bytes | None:
        end = None if limit is None else await Now() + limit
        while True:
            left = None if end is None else max(0.0, end - await Now())
            answer: Any = await super()._within(left)
            pair = answer.data
            refuse_conflict(self._key, pair)
            # The same value by another leader is another one.
            leader = None if pair is None else pair.get("Session")
            if leader != self._known:
                self._known = leader
                return value_of(pair)


class Election(Managed[F]):
    """The election of one leader among all that name the same key.

    A block campaigns at its beginning, and resigns at its end.
    """

    def __init__(
        self,
        client: Any,
        key: Text,
        value: str | bytes,
        ttl: Duration | None = None,
        session: Text | SessionKeeper[Any] | None = None,
        lock_delay: Duration | None = None,
        node_checks: Iterable[Text] | None = None,
        on_gain: Callable[[Leadership[Any]], object] | None = None,
        on_loss: Callable[[Leadership[Any]], object] | None = None,
    ) -> None:
        super().__init__(client)
        for name, callback in (("on_gain", on_gain), ("on_loss", on_loss)):
            if callback is not None and not callable(callback):
                raise TypeError(f"{name} must be callable: {callback!r}")
        self._key = text("key", key)
        self._lock: Lock[F] = Lock(
            client, key, value, ttl, session, lock_delay, node_checks=node_checks
        )
        self._on_gain, self._on_loss = on_gain, on_loss

    # What does no I/O

    @property
    def held(self) -> bool:
        """Whether this is the leader at this moment.  The clock is looked at each time."""
        return self._lock.held

    @property
    def lost(self) -> Lost[F]:
        """Whether the newest leadership was lost; raises `consul.NotReady` before the first."""
        return self._lock.lost

    @property
    def fencing(self) -> int:
        """A number that is greater with each leader, like `consul.recipes.locks.Lock.fencing`."""
        return self._lock.fencing

    # What does

    @recipe
    def campaign(self, timeout: Duration | None = None) -> Steps[bool]:
        """Become the leader; whether it is the leader now.

        It waits for *timeout* (seconds, "10s" or a timedelta) at most, by default for ever.  With 0
        it does not wait.  Raises like `consul.recipes.locks.Lock.acquire`.

        ``PUT /v1/session/create``, ``GET /v1/kv/:key``, ``PUT /v1/txn``
        """
        return Delivered(self._campaigning(time_limit("timeout", timeout)), self._resigning)

    @recipe
    def resign(self) -> Steps[bool]:
        """Be the leader no more; whether it was the leader up to now.

        ``PUT /v1/kv/:key``, ``PUT /v1/session/destroy/:session_id``
        """
        return Certain(self._resigning)

    @recipe
    def leader(self) -> Steps[bytes | None]:
        """The value of the leader, as far as the servers know; None where there is none.

        Raises `consul.LockConflict` for a key that is no lock.

        ``GET /v1/kv/:key``
        """
        return self._asking()

    def observe(self) -> Leaders[F]:
        """The value of the present leader, then of each other one; None while there is none.

        It is used like a `consul.recipes.watch.Watch`.
        """
        return Leaders(self._client, self._key)

    @recipe
    def run(self, work: Callable[[Leadership[F]], Any]) -> Steps[Any]:
        """Call *work* as the leader, whenever this becomes the leader; what it returns in the end.

        *work* is called with the `Leadership`.  Where the leadership is lost before it returns, it
        is to end: in the flavours that await it is cancelled; in the direct ones it has to look at
        ``held`` or ``lost``, and to return.  Only then is campaigned again.  Where it returns as
        the leader, or raises, this resigns, and ends like *work*.
        """
        return self._running(work)

    async def _campaigning(self, limit: float | None) -> bool:
        won = await self._lock._acquiring(limit)
        if won and (self._on_gain is not None or self._on_loss is not None):
            hold = self._lock._newest()
            await Spawn(announcing(hold, self._leadership(), self._on_gain, self._on_loss))
        return won

    async def _resigning(self) -> bool:
        return await self._lock._releasing()

    def _leadership(self) -> Leadership[F]:
        return Leadership(self._client, self._lock._newest())

    async def _asking(self) -> bytes | None:
        pair = (await self._lock._read.first).data
        refuse_conflict(self._key, pair)
        return value_of(pair)

    async def _running(self, work: Callable[[Leadership[F]], Any]) -> Any:
        if not callable(work):
            raise TypeError(f"work must be callable: {work!r}")
        while True:
            await self._campaigning(None)
            hold, leadership = self._lock._newest(), self._leadership()
            try:
                if self._form == "awaited":
                    result = await self._working(hold, work, leadership)
                else:
                    result = await Invoke(work, leadership)
                if hold.live:
                    return result
            finally:
                await self._resigning()

    async def _working(
        self, hold: LockHold, work: Callable[[Leadership[F]], Any], leadership: Leadership[F]
    ) -> Any:
        """Perform *work*, and cancel it where the leadership is lost."""
        async with beside(_invoking(work, leadership)) as task:
            await wait_any((task.done, hold.ended))
        cancelled = isinstance(task.error, self._client.http.cancellations) and not hold.live
        if task.error is not None and not cancelled:
            raise task.error
        return task.value

    async def _enter(self) -> None:
        await self._campaigning(None)

    async def _leave(self, error: BaseException | None) -> None:
        await self._lock._leave(error)

    def __repr__(self) -> str:
        return f"<Election {self._key!r}>"


async def _invoking(work: Callable[[Any], Any], leadership: Any) -> Any:
    return await Invoke(work, leadership)


async def announcing(
    hold: LockHold,
    leadership: Leadership[Any],
    on_gain: Callable[[Leadership[Any]], object] | None,
    on_loss: Callable[[Leadership[Any]], object] | None,
) -> None:
    """The steps that tell the user of one leadership, at its beginning and its end."""
    try:
        if on_gain is not None:
            await calling("on_gain", on_gain, leadership)
        await Wait(hold.ended)
    finally:
        hold.end()
        if on_loss is not None:
            await calling("on_loss", on_loss, leadership)
