"""How the blocking flavours perform calls and recipes: in the thread that asks, or beside it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from consul.core.client import HTTPClient
from consul.core.clock import now
from consul.core.request import Call
from consul.core.signal import Signal
from consul.core.steps import Cancelled, Steps, Task, drive_directly, take_back
from consul.core.turns import Tokens
from consul.exceptions import ConsulException
from consul.transport.blocking.runner import Runner, wait

T = TypeVar("T")


class BlockingClient(HTTPClient):
    """One agent, reached by calls that return when they are done."""

    def send(self, call: Call[T]) -> T:
        """Perform *call* and return its value; repeat it where its `consul.Retry` says so."""
        if self.closed:
            self._refuse_if_closed()
        if not self._is_plain(call):
            return drive_directly(self._sending(call), self._perform)
        began = now()
        try:
            return self._attempt(call)
        except ConsulException as error:
            if not self._repeats(call, error):
                raise
            failure = error
        return drive_directly(self._repeating(call, failure, began), self._perform)

    def _attempt(self, call: Call[T]) -> T:
        try:
            response = self.exchange(call.request)
        except self.failures as error:
            failure = self._failure(call, error)
        else:
            try:
                return call.read(response)
            except ConsulException as error:
                self._named(call, error)
                raise
        # Here, so that the library's exception is its cause, or nothing is, but never its context.
        try:
            raise failure
        finally:
            # An exception that refers to its own frame is not freed with it.
            del failure

    def _all(self, steps: Callable[[], Steps[T]]) -> T:
        """What *steps* return, performed in this thread."""
        return drive_directly(steps(), self._perform)

    def aside(self, function: Callable[..., T], *args: Any) -> T:
        """Call *function*, which blocks; under gevent in a real thread, so that others go on."""
        gevent = sys.modules.get("gevent.monkey")
        if gevent is None or not gevent.is_module_patched("threading"):
            return function(*args)
        from gevent import get_hub  # type: ignore[import-untyped]

        return get_hub().threadpool.apply(function, args)  # type: ignore[no-any-return]

    def wait(self, signal: Signal, seconds: float | None) -> bool:
        """Wait until *signal* is set, for *seconds* at most; whether it is set."""
        return wait(signal, seconds)

    def spawn(self, steps: Steps[T]) -> Task[T]:
        """Run *steps* in a daemon thread of their own, or a greenlet under gevent."""
        runner = Runner(self)
        task: Task[T] = Task(runner.cancel)
        # Who takes it decides what becomes of the steps.
        claim = Tokens()

        def work() -> None:
            if not claim.take():
                return
            task.where = threading.get_ident()
            value, failure = None, None
            try:
                value = runner.run(steps)
            except BaseException as error:
                failure = error
            self._tasks.discard(task)
            task.end(value, failure)

        try:
            self._tasks.add(task)
            threading.Thread(target=work, name="consul", daemon=True).start()
        except BaseException:
            if claim.take():
                self._tasks.discard(task)
                steps.close()
            else:
                # Ctrl-C came when it ran already, and nobody gets the task.
                task.cancel()
            raise
        return task

    def run(self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None) -> T:
        """Run a recipe to its end; *send* performs its calls in place of our own."""
        self._refuse_to_run_if_closed(steps)
        try:
            return self._run_here(steps, Runner(self, send))
        except BaseException:
            # Ctrl-C may come when they have ended.
            undo = take_back(steps)
            if undo is not None:
                self._run_here(undo, Runner(self, send))
            raise

    def _run_here(self, steps: Steps[T], runner: Runner) -> T:
        """Run *steps* in the present thread; RuntimeError where the client is closed meanwhile."""
        task: Task[T] = Task(runner.cancel)
        task.where = threading.get_ident()
        self._tasks.add(task)
        try:
            # Once more: `close` may not have seen the task.
            self._refuse_to_run_if_closed(steps)
            return runner.run(steps)
        except Cancelled:
            self._refuse_if_closed()
            raise
        finally:
            self._tasks.discard(task)
            task.end()

    def at_end(self, end: Callable[[], Steps[Any]], sigterm: bool) -> Callable[[], object]:
        """Have the steps of *end* run at the end of the interpreter."""
        import atexit

        def run() -> None:
            # Where the client was closed or the agent is away, there is nobody to tell.
            with suppress(ConsulException):
                self._run_here(end(), Runner(self, None))

        atexit.register(run)
        return lambda: atexit.unregister(run)

    def heed_sigterm(self) -> None:
        """Have SIGTERM raise SystemExit, unless the program does something about it."""
        import signal

        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            try:
                signal.signal(signal.SIGTERM, _terminate)
            except ValueError as error:
                raise ValueError(f"sigterm needs the main thread: {error}") from None

    def _end_tasks(self) -> None:
        """End the tasks."""
        drive_directly(self._closing(threading.get_ident()), self._perform)


def _terminate(number: int, _: object) -> None:
    # What a shell says of a process that the signal has ended.
    raise SystemExit(128 + number)
