"""Sessions that are kept alive in the background."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from consul.core.flavour import F, recipe
from consul.core.request import Once
from consul.core.signal import Signal
from consul.core.steps import CLEANUP, Certain, Delivered, Now, Spawn, Wait, sleep
from consul.core.turns import Turns
from consul.core.values import seconds, text
from consul.exceptions import (
    Closed,
    ConnectionFailed,
    ConsulException,
    NotFound,
    NotReady,
    Timeout,
)
from consul.recipes.holds import Hold, Lost, log
from consul.recipes.managed import Managed

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Steps, Task
    from consul.core.values import Text

#: A session is renewed when this part of its TTL has passed.
RENEWAL = 1 / 3
#: Seconds before a renewal that failed is repeated, and the part of the TTL that they are at most.
AGAIN, AGAIN_PART = 1.0, 0.1
#: Seconds that who ends a session waits for a request of it that is on its way.
PATIENCE = 2.0
#: Seconds after which a server has done what it was asked on a connection that broke.
LATE = 0.5


def again(ttl: float) -> float:
    """Seconds before a renewal that failed is repeated."""
    return min(AGAIN, ttl * AGAIN_PART)


def attempt(ttl: float) -> float:
    """Seconds that one attempt to renew may take, so that there are others in time."""
    return max(AGAIN, ttl * RENEWAL)


async def ended(signal: Signal) -> None:
    """Wait until *signal* is set by a task that ends, also where a cancellation ends the wait."""
    try:
        await Wait(signal, 2 * CLEANUP)
    except GeneratorExit:
        raise
    except BaseException:
        await Wait(signal, CLEANUP)
        raise


def repeatedly(values: Iterable[Any] | None) -> Any:
    """*values* in a form that can be looked at more than once; what is wrong is left as it is."""
    return list(values) if isinstance(values, Iterator) else values


class Kept(Hold):
    """One session, renewed by a task of its own from `begin` to `finish`.

    It is held up to *ttl* seconds after its last successful renewal was sent, which is before the
    server ends it.  *options* are those of ``session.create``; the name gets a suffix by which the
    session is found where the answer that names it was lost.  A session that is *given*, by its
    id, is renewed and not destroyed.
    """

    def __init__(
        self,
        client: Any,
        ttl: float,
        options: Mapping[str, Any],
        name: str,
        given: str | None = None,
    ) -> None:
        super().__init__(client.http)
        self._api = client.session._described
        self._ttl, self._options = ttl, options
        self._name = f"{name} {os.urandom(8).hex()}"
        self._given = given
        #: Its id; None before it is known.
        self.id: str | None = None
        #: When it has to be taken for lost, on the clock of steps.
        self._until = 0.0
        #: What is to be done before it is destroyed, as steps: what it holds is given back, for
        #: else there is a lock-delay.
        self.to_give_back: list[Callable[[], Steps[Any]]] = []
        self._begun = self._asked = self._clean = False
        self._failure: Exception | None = None
        self._task: Task[None] | None = None
        #: Set when it is known whether there is a session, and when all is done.
        self._known, self._over = Signal(), Signal()

    @property
    def live(self) -> bool:
        """Whether the session is held at this moment, by the clock."""
        if self.here and self.id is not None and not self.ended:
            self._look(self.http.now())
        return super().live and self.id is not None

    def _look(self, now: float) -> None:
        if now >= self._until:
            self.lose("it was not renewed in time")

    async def begin(self) -> None:
        """The steps that create the session, and begin to renew it.

        Who takes them has to `finish` it, whatever comes.
        """
        self._begun = True
        self._task = await Spawn(self._living())
        await Wait(self._known)
        if self.id is None:
            await self.finish()
            raise self._failure or self._task.error or Closed(f"{self} was not created")

    async def finish(self) -> None:
        """The steps that destroy the session, after what it holds was given back."""
        self.end()
        if not self._begun:
            return
        try:
            if not await Wait(self._over, PATIENCE) and self._task is not None:
                self._task.cancel()
        finally:
            await ended(self._over if self._task is None else self._task.done)

    async def _living(self) -> None:
        try:
            await self._creating()
            if self.id is not None:
                self._known.set()
                log.info("%s is kept", self)
                await self._renewing()
        finally:
            if not self.http.closed:
                self.lose("its renewal has failed")
            # Else it is given back.
            self.end()
            self._known.set()
            try:
                await self._clean_up()
            finally:
                if not self._clean:
                    # It was after the ordinary end that it was cancelled, which has cut this.
                    await self._clean_up()
                self._over.set()

    async def _creating(self) -> None:
        self._asked = True
        try:
            began = await Now()
            if self._given is None:
                self.id = await self._api.create(self._name, ttl=self._ttl, **self._options)
            else:
                session = await self._api.renew(self._given)
                # It may have been made without a TTL, or with another one.
                self._ttl = seconds("TTL", session["TTL"] or "0") or float("inf")
                self.id = self._given
            self._until = began + self._ttl
        except ConsulException as error:
            self._failure = error.with_traceback(None)
            self.end()

    async def _renewing(self) -> None:
        """Renew it until it ends."""
        pause, troubled = self._ttl * RENEWAL, False
        while True:
            left = min(pause, self._until - await Now())
            if await Wait(self.ended, None if left == float("inf") else max(0.0, left)):
                return
            asked = await Now()
            self._look(asked)
            if self.ended:
                return
            limit = min(self._until - asked, attempt(self._ttl))
            try:
                await Once(self._api.renew(self.id)).within(limit)
            except NotFound:
                self.lose("the server has ended it")
            except Closed:
                return
            except ConsulException as error:
                (log.debug if troubled else log.warning)("%s is not renewed yet: %s", self, error)
                pause, troubled = again(self._ttl), True
            else:
                self._look(await Now())
                pause, troubled = self._ttl * RENEWAL, False
                self._until = asked + self._ttl

    async def _clean_up(self) -> None:
        """Give back what it holds, and destroy it; where the agent is away, the TTL does it."""
        try:
            while self.to_give_back:
                # It takes itself off the list.
                await self.to_give_back[-1]()
            for session in await self._own():
                await self._api.destroy(session).within(CLEANUP)
        except ConsulException as error:
            log.warning("%s is left to end by itself: %s", self, error)
        self._clean = True

    async def _own(self) -> list[str]:
        """The sessions to destroy."""
        if self._given is not None or not self._asked:
            return []
        if self.id is not None:
            return [self.id]
        # It may have been made although the answer did not come.
        error = self._failure
        if isinstance(error, ConnectionFailed) and not error.sent:
            return []
        if error is None or isinstance(error, (ConnectionFailed, Timeout)):
            await sleep(LATE)
        elif (error.status or 0) < 500:  # type: ignore[attr-defined]
            return []
        found = await Once(self._api.list(consistency="consistent")).within(CLEANUP)
        return [each["ID"] for each in found.data if each["Name"] == self._name]

    def __str__(self) -> str:
        return f"session {self.id or self._name!r}"


class SessionKeeper(Managed[F]):
    """A session that is renewed in the background, and destroyed at the end of the block."""

    def __init__(
        self,
        client: Any,
        ttl: Duration = "15s",
        name: Text | None = None,
        behavior: str = "release",
        lock_delay: Duration | None = None,
        node_checks: Iterable[Text] | None = None,
        service_checks: Iterable[Mapping[str, Text]] | None = None,
    ) -> None:
        super().__init__(client)
        self._name = "session" if name is None else text("name", name)
        self._ttl = seconds("ttl", ttl)
        self._options = {
            "behavior": behavior,
            "lock_delay": lock_delay,
            "node_checks": repeatedly(node_checks),
            "service_checks": repeatedly(service_checks),
        }
        # What is wrong is refused here.
        client.session._described.create(self._name, ttl=self._ttl, **self._options)
        self._kept: Kept | None = None
        self._turns = Turns(1)

    @property
    def kept(self) -> Kept:
        """The session; raises NotReady before there was one."""
        if self._kept is None:
            raise NotReady(f"{self!r} has no session yet")
        return self._kept

    @property
    def id(self) -> str:
        """The id of the session; raises `consul.NotReady` before `start`."""
        return self.kept.id  # type: ignore[return-value]

    @property
    def held(self) -> bool:
        """Whether there is a session that has not ended; the clock is looked at each time."""
        return self._kept is not None and self._kept.live

    @property
    def lost(self) -> Lost[F]:
        """Whether the session has ended by itself; raises `consul.NotReady` before `start`."""
        return Lost(self._client, self.kept)

    @recipe
    def start(self) -> Steps[str]:
        """Create the session, unless there is one; its id.  Entering the block does it as well.

        Raises what ``session.create`` raises.

        ``PUT /v1/session/create``
        """
        return Delivered(self._starting(), self._closing)

    @recipe
    def close(self) -> Steps[None]:
        """Destroy the session.  Leaving the block does it as well.

        ``PUT /v1/session/destroy/:session_id``
        """
        return Certain(self._closing)

    async def _starting(self) -> str:
        await self._turns.take(None)
        try:
            if not self.held:
                await self._closing()
                kept = Kept(self._client, self._ttl, self._options, self._name)
                try:
                    await kept.begin()
                    self._kept = kept
                finally:
                    if self._kept is not kept:
                        await kept.finish()
            return self.id
        finally:
            self._turns.give()

    async def _closing(self) -> None:
        kept = self._kept
        if kept is not None and kept.here:
            await kept.finish()

    async def _enter(self) -> None:
        await self._starting()

    async def _leave(self, error: BaseException | None) -> None:
        await self._closing()

    def __del__(self) -> None:
        kept = getattr(self, "_kept", None)
        if kept is not None:
            # Its task destroys it.
            kept.end()

    def __repr__(self) -> str:
        return f"<SessionKeeper {str(self._kept or self._name)!r}>"
