"""A service that is registered while its process runs, and reports how it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from consul.check import Check
from consul.core.flavour import F, recipe
from consul.core.request import Once
from consul.core.signal import Signal
from consul.core.steps import CLEANUP, Certain, Delivered, Invoke, Spawn, Wait, sleep, wait_any
from consul.core.turns import Turns
from consul.core.values import seconds, text, time_limit
from consul.exceptions import Closed, ConsulException, NotFound
from consul.recipes.holds import log
from consul.recipes.managed import Managed, surely
from consul.recipes.polls import Read
from consul.recipes.sessions import LATE, PATIENCE, RENEWAL, again, attempt, repeatedly
from consul.recipes.watch import Follower

if TYPE_CHECKING:
    from types import TracebackType

    from consul.core.request import Duration
    from consul.core.steps import Steps, Task
    from consul.core.values import Text

#: Seconds after which is looked whether a service that was forgotten is known again.
LOOK = 1.0
#: The longest output of a check that is sent.
OUTPUT = 4000
STATUSES = ("passing", "warning", "critical")


def beat_of(value: Any) -> tuple[str, str]:
    """The status and the note that *value*, returned by a heartbeat, means."""
    status, note = value if isinstance(value, tuple) and len(value) == 2 else (value, "")
    if status is None:
        status = "passing"
    if status not in STATUSES:
        raise ValueError(f"heartbeat must return None, a status or (status, note): {value!r}")
    return status, text("note", note)


class Registration(Managed[F]):
    """A service that is registered from the beginning of the block to its end.

    It is registered again whenever the agent does not know it any more.
    """

    def __init__(
        self,
        client: Any,
        name: Text,
        fields: Mapping[str, Any],
        ttl: Duration | None,
        heartbeat: Callable[[], Any] | None,
        deregister: Duration | None,
        drain: Duration | None,
        ready: bool,
        sigterm: bool,
    ) -> None:
        super().__init__(client)
        if heartbeat is not None and not callable(heartbeat):
            raise TypeError(f"heartbeat must be callable: {heartbeat!r}")
        for option, value in (("heartbeat", heartbeat), ("deregister", deregister)):
            if ttl is None and value is not None:
                raise ValueError(f"{option} needs ttl")
        self._name = text("name", name)
        self._fields = {option: repeatedly(value) for option, value in fields.items()}
        given = self._fields.get("service_id")
        self._id = self._name if given is None else text("service_id", given)
        self._service, self._check = client.agent.service._described, client.agent.check._described
        self._scope = {
            key: fields[key] for key in ("token", "dc", "ns", "partition") if key in fields
        }
        self._ttl = time_limit("ttl", ttl)
        self._check_id = f"service:{self._id}:ttl"
        self._deregister, self._heartbeat = deregister, heartbeat
        self._drain = 0.0 if drain is None else seconds("drain", drain)
        self._ready = ready
        self._sigterm = sigterm
        self._reset()
        # What is wrong is refused here.
        self._registration()
        client.agent.service._described.get(self._id, **self._scope)
        if sigterm:
            client.http.heed_sigterm()

    def _reset(self) -> None:
        """Be as if nothing was registered yet."""
        self._shared = self._client.http.shared
        self._begun = False
        #: Registrations and the end come one after the other, and so do beats.
        self._turns, self._beats = Turns(1), Turns(1)
        self._ended = Signal()
        self._nudge = Signal()
        self._tasks: list[Task[None]] = []
        self._off: Callable[[], object] | None = None
        #: How it was last said to be.
        self._beat: tuple[str, str] = ("critical", "not ready yet")
        #: The reason of the maintenance, where there is any.
        self._maintained: tuple[Text | None] | None = None
        self._error: BaseException | None = None

    # What does no I/O

    @property
    def id(self) -> str:
        """The id of the service."""
        return self._id

    @property
    def registered(self) -> bool:
        """Whether this process has registered it, and has not removed it."""
        return bool(self._tasks) and not self._ended and self._here

    @property
    def status(self) -> str:
        """What was last reported: "passing", "warning" or "critical"; with *ttl* only."""
        return self._beat[0]

    @property
    def error(self) -> BaseException | None:
        """Why the agent could not be told last; None while all is well."""
        return self._error

    @property
    def _here(self) -> bool:
        return self._client.http.shared is self._shared

    # What does

    @recipe
    def start(self) -> Steps[None]:
        """Register the service, unless it is.  Entering the block does it as well.

        Raises what ``agent.service.register`` raises.

        ``PUT /v1/agent/service/register``
        """
        return Delivered(self._starting(), self._closing)

    @recipe
    def close(self) -> Steps[None]:
        """Remove the service, after *drain* seconds of maintenance.  Leaving the block does it too.

        ``PUT /v1/agent/service/deregister/:service_id``
        """
        return Certain(self._closing)

    @recipe
    def ready(self) -> Steps[None]:
        """From now on the heartbeats say how the service is; until then its check is critical.

        ``PUT /v1/agent/check/update/:check_id``
        """
        return self._set_ready()

    @recipe
    def update(
        self,
        tags: Any = None,
        meta: Mapping[str, Text] | None = None,
        weights: Mapping[str, int] | None = None,
    ) -> Steps[None]:
        """Register the service with other *tags*, *meta* or *weights*; None leaves them.

        ``PUT /v1/agent/service/register``
        """
        changed = {"tags": tags, "meta": meta, "weights": weights}
        given = {name: repeatedly(value) for name, value in changed.items() if value is not None}
        # What is wrong is refused here.
        self._service.register(self._name, **{**self._fields, **given})
        return self._updating(given)

    @recipe
    def maintenance(self, enable: bool, reason: Text | None = None) -> Steps[None]:
        """Begin (*enable* is True) or end (False) maintenance of the service.

        ``PUT /v1/agent/service/maintenance/:service_id``
        """
        call = self._service.maintenance(self._id, enable, reason, **self._scope)
        return self._maintaining(call, (reason,) if enable else None)

    def lifespan(self, app: Any = None) -> Lifespan:
        """For ASGI applications: ``Starlette(lifespan=registration.lifespan)``, with `consul.aio`.

        The service is registered at the application's start, ready then, and removed at its end.
        """
        return Lifespan(self)

    # The steps

    def _registration(self) -> Any:
        """The call that registers it as it is now."""
        fields = dict(self._fields)
        if self._ttl is not None:
            check = Check.ttl(
                self._ttl,
                deregister=self._deregister,
                check_id=self._check_id,
                name=f"Heartbeat of {self._id}",
                status=self._beat[0],
            )
            fields["extra_checks"] = [*(fields.get("extra_checks") or ()), check]
        return self._service.register(self._name, **fields)

    async def _starting(self) -> None:
        if not self._here or self._ended:
            self._reset()
        await self._turns.take(None)
        begun = self._begun
        try:
            if not begun:
                await self._begin()
                begun = True
        finally:
            try:
                if not begun:
                    await self._stop()
            finally:
                self._turns.give()

    async def _begin(self) -> None:
        if self._ready:
            self._beat = await self._judged()
        # From here on the agent may know it.
        self._begun = True
        try:
            await self._registration()
        except ConsulException as error:
            self._begun = error.status is None and getattr(error, "sent", True)
            raise
        log.info("service %r is registered", self._id)
        self._off = self._client.http.at_end(self._closing, self._sigterm)
        self._tasks.append(await Spawn(self._watching()))
        if self._ttl is not None:
            self._tasks.append(await Spawn(self._beating(self._ttl)))

    async def _stop(self) -> None:
        """Take back what a beginning that was cut, or has failed, may have left."""
        known = self._begun
        self._end()
        if known:
            # The request may be on its way.
            await sleep(LATE)
            with suppress(ConsulException):
                await self._removal()

    def _end(self) -> None:
        self._ended.set()
        self._nudge.set()
        if self._off is not None:
            self._off()

    async def _closing(self) -> None:
        if not (self._begun and self._here) or self._ended:
            return
        self._end()
        try:
            if self._drain:
                await self._draining()
        finally:
            try:
                await surely(self._remove)
            finally:
                for task in self._tasks:
                    task.cancel()
                for task in self._tasks:
                    # A heartbeat may be under way that does not end.
                    await Wait(task.done, CLEANUP)

    async def _draining(self) -> None:
        try:
            await self._service.maintenance(self._id, True, "draining", **self._scope)
        except ConsulException as error:
            log.warning("service %r does not drain: %s", self._id, error)
        else:
            await sleep(self._drain)

    def _removal(self) -> Any:
        scope = {key: value for key, value in self._scope.items() if key in ("token", "dc")}
        return self._service.deregister(self._id, **scope)

    async def _remove(self) -> None:
        # Its watch would tell that it is gone, and may be registering it again at this moment.
        for task in self._tasks:
            await Wait(task.done, PATIENCE)
        taken = await self._turns.take(PATIENCE)
        try:
            await self._removal()
        except NotFound:
            # It was forgotten.
            pass
        finally:
            if taken:
                self._turns.give()
        log.info("service %r is removed", self._id)

    async def _set_ready(self) -> None:
        self._ready = True
        if self.registered and self._ttl is not None:
            await self._report(self._ttl)

    async def _updating(self, given: dict[str, Any]) -> None:
        await self._turns.take(None)
        try:
            self._fields |= given
            if self.registered:
                await self._registration()
        finally:
            self._turns.give()

    async def _maintaining(self, call: Any, maintained: tuple[Text | None] | None) -> None:
        await call
        self._maintained = maintained

    async def _again(self, reason: BaseException) -> bool:
        """Register it again, which the agent has forgotten; whether that went well."""
        await self._turns.take(None)
        try:
            if self._ended:
                return True
            await Once(self._registration())
            log.warning("service %r is registered again: %s", self._id, reason)
            if self._maintained is not None:
                (why,) = self._maintained
                await Once(self._service.maintenance(self._id, True, why, **self._scope))
        except ConsulException as error:
            self._note(error)
            return False
        finally:
            self._turns.give()
        self._note(None)
        return True

    def _note(self, error: BaseException | None) -> None:
        if error is not None and (self._error is None or type(error) is not type(self._error)):
            log.warning("service %r: the agent cannot be told: %s", self._id, error)
        self._error = error

    async def _beating(self, ttl: float) -> None:
        while not self._ended:
            self._nudge = Signal()
            well = await self._report(ttl)
            await Wait(self._nudge, ttl * RENEWAL if well else again(ttl))

    async def _report(self, ttl: float) -> bool:
        """Tell the agent how the service is; whether that went well."""
        # What was judged first is told first.
        await self._beats.take(None)
        try:
            return await self._reporting(ttl)
        finally:
            self._beats.give()

    async def _reporting(self, ttl: float) -> bool:
        beat = await self._judged()
        if beat[0] != self._beat[0]:
            log.info("service %r is %s: %s", self._id, *beat)
        self._beat = beat
        if self._ended:
            return True
        try:
            call = self._check.update(self._check_id, *beat, **self._scope)
            await Once(call).within(attempt(ttl))
        except NotFound as error:
            return await self._again(error)
        except Closed:
            raise
        except ConsulException as error:
            self._note(error)
            return False
        self._note(None)
        return True

    async def _judged(self) -> tuple[str, str]:
        """How the service is: its status and a note."""
        if not self._ready:
            return "critical", "not ready yet"
        if self._heartbeat is None:
            return "passing", ""
        try:
            status, note = beat_of(await Invoke(self._heartbeat))
        except self._client.http.cancellations:
            raise
        except Exception as error:
            status, note = "critical", f"{type(error).__name__}: {error}"
        return status, note[:OUTPUT]

    async def _watching(self) -> None:
        while not self._ended:
            options = {key: value for key, value in self._scope.items() if key != "dc"}
            read = Read(self._client, self._client.agent.service.get, (self._id,), options)
            follower = Follower(self._client, read, {})
            try:
                await self._following(follower)
            finally:
                task = follower.leave()
                if task is not None:
                    await Wait(task.done)

    async def _following(self, follower: Follower) -> None:
        """Register it again whenever the agent says that there is no such service."""
        poll, known = follower.join(), None
        while not (self._ended or (poll.over and poll.failure is None)):
            changed = poll.changes.next
            trouble = poll.failure or poll.error
            if isinstance(trouble, NotFound) and trouble is not known:
                if await self._again(trouble):
                    known = trouble
                if poll.failure is not None:
                    return
            elif poll.failure is not None:
                log.warning("service %r cannot be watched: %s", self._id, poll.failure)
                await Wait(self._ended)
                return
            await wait_any((changed, self._ended), None if trouble is None else LOOK)

    async def _enter(self) -> None:
        await self._starting()

    async def _leave(self, error: BaseException | None) -> None:
        try:
            await self._closing()
        except Closed:
            raise
        except ConsulException as failure:
            log.warning("service %r could not be removed: %s", self._id, failure)

    def __repr__(self) -> str:
        return f"<Registration of {self._id!r}>"


class Lifespan:
    """What an ASGI application enters at its start and leaves at its end."""

    def __init__(self, registration: Registration[Any]) -> None:
        self._registration: Any = registration

    async def __aenter__(self) -> None:
        await self._registration.__aenter__()
        await self._registration.ready()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._registration.__aexit__(kind, error, trace)
