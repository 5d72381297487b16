"""Runs recipes in threads, or in greenlets under gevent, so that another thread can stop them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from consul.core.signal import NEVER, Signal
from consul.core.steps import Cancelled, Step, Steps, drive_directly

if TYPE_CHECKING:
    from consul.core.client import HTTPClient
    from consul.core.request import Call

T = TypeVar("T")


class Abortable(Protocol):
    """A connection that can be cut."""

    def abort(self, runner: Runner) -> None:
        """End it, where it is *runner* that uses it."""


class _Here(threading.local):
    #: What this thread runs; None outside of recipes.
    runner: Runner | None = None


_here = _Here()


def current() -> Runner | None:
    """What the present thread runs; None outside of recipes and futures."""
    return _here.runner


class Runner:
    """Performs steps in one thread.  `cancel`, called in another one, gives up the present step.

    The stop shows once, as `Cancelled`; the steps of ``finally:`` blocks are performed after it.
    """

    def __init__(self, http: HTTPClient, send: Callable[[Call[Any]], Any] | None = None) -> None:
        self._http, self._send = http, send
        self._stopped = self._told = self._finished = False
        #: Protects what follows: a stop between its check and the registration would be lost.
        self._lock = threading.Lock()
        self._connection: Abortable | None = None
        #: What a wait has to look at; a plain call needs none.
        self._stop: Signal | None = None

    def cancel(self) -> bool:
        """End what runs: a wait ends, and the connection of an open call is cut.

        False where it has finished already.
        """
        # The connection is cut under the lock, and only once: a cut that comes late would hit the
        # calls of `finally:` blocks.
        with self._lock:
            if self._finished:
                return False
            if not self._stopped:
                self._stopped = True
                if self._stop is not None:
                    self._stop.set()
                if self._connection is not None:
                    self._connection.abort(self)
        return True

    def finish(self) -> None:
        """Note that all is done; Cancelled where the stop came before."""
        with self._lock:
            self._check()
            self._finished = True

    def uses(self, connection: Abortable | None) -> None:
        """Note the *connection* of the open call, which `cancel` has to cut."""
        with self._lock:
            if connection is not None:
                self._check()
            self._connection = connection

    def _check(self) -> None:
        if self._stopped and not self._told:
            self._told = True
            raise Cancelled

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """What *function* returns, with its open calls under the control of `cancel`."""
        before, _here.runner = _here.runner, self
        try:
            self._check()
            return function(*args)
        except Exception:
            self._check()
            raise
        finally:
            _here.runner = before
            self.uses(None)

    def run(self, steps: Steps[T]) -> T:
        """Run *steps* to their end."""
        perform, expand = self._http._performing(self._send)

        def perform_unless_stopped(step: Step[Any]) -> Any:
            self._check()
            try:
                return perform(step)
            except Exception:
                # A call that is cut fails.  It is the stop that has cut it.
                self._check()
                raise
            finally:
                self.uses(None)

        try:
            value: T = self.call(drive_directly, steps, perform_unless_stopped, expand)
        finally:
            # Stopped before they began, nobody has touched them.
            steps.close()
        return value

    def wait(self, signal: Signal, seconds: float | None) -> bool:
        """Wait until *signal* is set, for *seconds* at most; whether it is set."""
        with self._lock:
            if self._stop is None:
                self._stop = Signal()
                if self._stopped:
                    self._stop.set()
            stop = NEVER if self._told else self._stop
        done = threading.Event()
        signal.watch(done.set)
        stop.watch(done.set)
        try:
            done.wait(seconds)
        finally:
            signal.unwatch(done.set)
            stop.unwatch(done.set)
        self._check()
        return bool(signal)


def wait(signal: Signal, seconds: float | None) -> bool:
    """Wait until *signal* is set, for *seconds* at most; a stop of the present runner ends it."""
    runner = current()
    if runner is not None:
        return runner.wait(signal, seconds)
    done = threading.Event()
    signal.watch(done.set)
    try:
        done.wait(seconds)
    finally:
        signal.unwatch(done.set)
    return bool(signal)
