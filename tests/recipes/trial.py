"""A trial recipe: it holds the lock of a key, as the real one will.

It has all that is hard about recipes: work beside the block, a long poll that has to be cut, user
code, and a ``finally:`` with further steps, which waits for a call that must not be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from consul.core.signal import Signal
from consul.core.steps import Invoke, Now, Spawn, Task, Wait, beside, sleep
from consul.exceptions import Closed, ConnectionFailed, ConsulException, NotFound

T = TypeVar("T")

#: Seconds between two attempts to take the key, and before a renewal that failed is repeated.
PAUSE = 1.0
#: Seconds that a cancelled holder waits for the answer which names its session.
PATIENCE = 2.0
#: Seconds after which a server has done what it was asked on a connection that broke.
LATE = 0.5


async def performed(call: Any) -> Any:
    """The steps of one call, to be spawned."""
    return await call


async def outcome(task: Task[T]) -> T | None:
    """What *task* returns, or raises."""
    await Wait(task.done)
    if task.error is not None:
        raise task.error
    return task.value


class Holder:
    """Holds *key* of *api*, a describing client, with a session called *name*.

    It ends when `end` is set, when the lock is `lost`, or when it is cancelled.  *renewal* is the
    seconds between two renewals, *poll* how long the server may hold the monitor's query.
    """

    def __init__(
        self,
        api: Any,
        key: str,
        name: str,
        *,
        ttl: float = 10.0,
        renewal: float = 3.0,
        poll: str = "60s",
        on_held: Callable[[], Any] = lambda: None,
        on_lost: Callable[[], Any] = lambda: None,
    ) -> None:
        self.api, self.key, self.name = api, key, name
        self.ttl, self.renewal, self.poll = ttl, renewal, poll
        self.on_held, self.on_lost = on_held, on_lost
        self.end, self.held, self.lost = Signal(), Signal(), Signal()
        self.session: str | None = None
        #: Whether it may believe that the key is its own; not so where `lost` is set.
        self.holding = False
        #: How far it came: "begun", what user code returned, "cleaned".
        self.report: list[Any] = []
        self._over = Signal()
        self.end.watch(self._over.set)
        self.lost.watch(self._over.set)

    async def steps(self) -> str:
        """Hold it; "ended", "lost", or "never held"."""
        began = await Now()
        # As a task of its own, which is not cancelled with us: who does not wait for the answer
        # does not know which session to destroy.
        creating = await Spawn(performed(self._creation()))
        try:
            self.report.append("begun")
            self.session = await outcome(creating)
            async with beside(self._keeper(began + self.ttl)):
                if await self._taken():
                    await self._hold()
            if self.lost:
                self.report.append(await Invoke(self.on_lost))
                return "lost"
            return "ended" if self.held else "never held"
        finally:
            self.holding = False
            try:
                await self._clean_up(creating)
            finally:
                if self.report[-1] != "cleaned":
                    # It was after the ordinary end that we were cancelled, which cut this.
                    await self._clean_up(creating)

    def _creation(self) -> Any:
        return self.api.session.create(self.name, ttl=self.ttl, lock_delay=0)

    async def _taken(self) -> bool:
        while True:
            if self._over:
                return False
            try:
                if await self.api.kv.put(self.key, self.name, acquire=self.session):
                    return not self.lost
            except Closed:
                raise
            except ConsulException:
                # It may have been done, and then the next attempt is true as well.  Where the
                # session has ended, the keeper will hear of it.
                pass
            await Wait(self._over, PAUSE)

    async def _hold(self) -> None:
        self.holding = True
        self.held.set()
        async with beside(self._monitor()):
            self.report.append(await Invoke(self.on_held))
            await Wait(self._over)
        self.holding = False

    async def _keeper(self, until: float) -> None:
        """Renew the session, which lasts *until* then as far as we know."""
        pause = self.renewal
        while True:
            await sleep(max(0.0, min(pause, until - await Now())))
            asked = await Now()
            if asked >= until:
                break
            try:
                await self.api.session.renew(self.session).within(until - asked)
            except NotFound:
                break
            except Closed:
                raise
            except ConsulException:
                pause = PAUSE
            else:
                until, pause = asked + self.ttl, self.renewal
        self.lost.set()

    async def _monitor(self) -> None:
        index = None
        while True:
            try:
                index, pair = await self.api.kv.get(
                    self.key, index=index, wait=self.poll, consistency="consistent"
                )
            except Closed:
                raise
            except ConsulException:
                # The keeper knows how long the session lasts.
                index = None
                await sleep(PAUSE)
                continue
            if pair is None or pair.get("Session") != self.session:
                self.lost.set()
                return

    async def _clean_up(self, creating: Task[str]) -> None:
        if not await Wait(creating.done, PATIENCE):
            creating.cancel()
            await Wait(creating.done)
        sessions = [creating.value] if creating.value else await self._left_behind(creating.error)
        for session in sessions:
            try:
                await self.api.kv.put(self.key, self.name, release=session)
            finally:
                await self.api.session.destroy(session)
        self.report.append("cleaned")

    async def _left_behind(self, error: BaseException | None) -> list[str]:
        """The sessions that were made although the answer did not come."""
        if isinstance(error, ConnectionFailed) and not error.sent:
            return []
        await sleep(LATE)
        _, sessions = await self.api.session.list(consistency="consistent")
        return [session["ID"] for session in sessions if session["Name"] == self.name]
