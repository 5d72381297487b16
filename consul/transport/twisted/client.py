"""How the Twisted flavour performs calls and recipes: as Deferreds, in the reactor's thread."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, TypeVar

from twisted.internet import defer, error, threads
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure

from consul.core.client import HTTPClient
from consul.core.clock import now
from consul.core.request import Call, Response
from consul.core.signal import Signal
from consul.core.steps import Steps, Task, drive
from consul.exceptions import ConsulException
from consul.transport.twisted.connections import innermost

T = TypeVar("T")


def _is_cancellation(failure: BaseException) -> bool:
    return isinstance(failure, (defer.CancelledError, error.ConnectingCancelledError))


class DeferredClient(HTTPClient):
    """One agent, reached by Deferreds."""

    form = "awaited"
    cancellations = (defer.CancelledError, KeyboardInterrupt)

    @property
    def reactor(self) -> Any:
        """The installed reactor."""
        raise NotImplementedError(f"{type(self).__name__} does not define reactor")

    #: What Twisted raises is of no common class.
    failures = (Exception,)

    def _all(self, steps: Steps[T]) -> Deferred[T]:
        """What *steps* return."""
        performed: Deferred[T] = inlineCallbacks(drive)(steps, self._perform)
        return performed

    def aside(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """Call *function*, which blocks, in a thread."""
        pool = self.reactor.getThreadPool()
        called: Deferred[T] = threads.deferToThreadPool(self.reactor, pool, function, *args)
        return called

    def wait(self, signal: Signal, seconds: float | None) -> Deferred[bool]:
        """Wait until *signal* is set, for *seconds* at most; whether it is set."""
        reactor = self.reactor
        woken: Deferred[None] = Deferred()

        def wake() -> None:
            if not woken.called:
                woken.callback(None)

        def end(result: Any) -> Any:
            signal.unwatch(from_any_thread)
            if timer is not None and timer.active():
                timer.cancel()
            return result if isinstance(result, Failure) else bool(signal)

        from_any_thread = partial(reactor.callFromThread, wake)
        timer = None if seconds is None else reactor.callLater(max(0.0, seconds), wake)
        signal.watch(from_any_thread)
        return woken.addBoth(end)

    def spawn(self, steps: Steps[T]) -> Task[T]:
        """Run *steps* in a Deferred of their own."""
        task, running = self._begin(steps, None)
        running.addErrback(lambda _: None)
        return task

    def _begin(
        self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None
    ) -> tuple[Task[T], Deferred[T]]:
        reactor = self.reactor
        stopped = False

        def stop() -> None:
            nonlocal stopped
            stopped = True
            # Not `running.cancel`: there is no `running` yet in the first steps.
            reactor.callFromThread(lambda: running.cancel())

        def end(result: Any) -> Any:
            self._tasks.discard(task)
            failed = isinstance(result, Failure)
            task.end(None if failed else result, result.value if failed else None)
            return result

        def closed(failure: Failure) -> Failure:
            # It was not the caller who cancelled it.
            if stopped and isinstance(failure.value, defer.CancelledError):
                self._refuse_if_closed()
            return failure

        task: Task[T] = Task(stop)
        self._tasks.add(task)
        perform, expand = self._performing(send)
        running = inlineCallbacks(drive)(steps, perform, expand, self.cancellations)
        running.addBoth(end).addErrback(closed)
        return task, running

    def at_end(self, end: Callable[[], Steps[Any]], sigterm: bool) -> Callable[[], object]:
        """Have the steps of *end* run before the reactor stops, which SIGTERM makes it do."""
        reactor = self.reactor

        def run() -> Deferred[Any]:
            # Where the agent is away, there is nobody to tell.
            return self.run(end()).addErrback(lambda failure: None)

        trigger = reactor.addSystemEventTrigger("before", "shutdown", run)

        def remove() -> None:
            # It has gone where the reactor is stopping.
            with contextlib.suppress(KeyError, TypeError, ValueError):
                reactor.removeSystemEventTrigger(trigger)

        return remove

    def invoke(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Call *function*, the user's; where it returns a Deferred, wait for its result."""
        return defer.maybeDeferred(function, *args)

    def _attempt(self, call: Call[T]) -> Deferred[T]:
        exchanged: Deferred[Response] = self.exchange(call.request)
        return exchanged.addCallbacks(
            self._read, self._failed, callbackArgs=(call,), errbackArgs=(call,)
        )

    def _read(self, response: Response, call: Call[T]) -> T:
        try:
            return call.read(response)
        except ConsulException as error:
            self._named(call, error)
            raise

    def _failed(self, failure: Failure, call: Call[Any]) -> NoReturn:
        problem: Any = failure.value
        raise self._meaning(call, problem)

    def _meaning(self, call: Call[Any], error: BaseException) -> BaseException:
        """What to raise for *error*, with which an exchange failed."""
        if innermost(error, _is_cancellation) is not None:
            return defer.CancelledError()
        return self._failure(call, error)

    def send(self, call: Call[T]) -> Deferred[T]:
        """Perform *call*; its value, and it is repeated where its `consul.Retry` says so."""
        try:
            self._refuse_if_closed()
        except RuntimeError:
            return defer.fail()
        if not self._is_plain(call):
            return self._all(self._sending(call))
        return self._attempt(call).addErrback(self._again, call, now())

    def _again(self, failure: Failure, call: Call[T], began: float) -> Any:
        problem = failure.value
        if isinstance(problem, ConsulException) and self._repeats(call, problem):
            return self._all(self._repeating(call, problem, began))
        return failure

    def run(self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None) -> Deferred[T]:
        """Run a recipe to its end; *send* performs its calls in place of our own."""
        try:
            self._refuse_to_run_if_closed(steps)
        except RuntimeError:
            return defer.fail()
        return self._begin(steps, send)[1]

    def _end_tasks(self) -> Deferred[None]:
        """End the tasks."""
        if not self._tasks:
            self.closed = True
            self._ended.set()
        if self._ended:
            return defer.succeed(None)
        return self._all(self._closing(None))
