"""The flavour for threads: the blocking one in worker threads, each call a ``Future``.

The HTTP client is that of `consul.std`.  This is the one flavour that imports another one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from consul import base, std
from consul.core.flavour import Futures
from consul.core.lifecycle import ClosesDirectly
from consul.core.request import Call
from consul.core.steps import Step, Steps, after_all, take_back
from consul.transport.blocking.runner import Runner
from consul.transport.blocking.workers import CallFuture, Workers

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")


def _result(value: Any) -> Any:
    return value.result() if isinstance(value, Future) else value


class HTTPClient(std.HTTPClient):
    """One agent, reached as `consul.std` does it, from threads.

    Blocking queries, streams and recipes spend their time waiting.  So each has a thread of its own
    beside those of plain calls, and cannot starve them.
    """

    form = "future"

    def _start(self) -> None:
        super()._start()
        self._workers = Workers(self.settings.workers)
        self._waiters = Workers(None)

    def send(self, call: Call[T]) -> Future[T]:  # type: ignore[override]
        """Perform *call* in a thread."""
        self._refuse_if_closed()
        quick = call.request.hold is None and not call.streams
        workers = self._workers if quick else self._waiters
        future: CallFuture[T] = CallFuture(Runner(self))
        return workers.start(future, future.work, super().send, call)

    def run(  # type: ignore[override]
        self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None
    ) -> Future[T]:
        """Run a recipe to its end, in a thread of its own."""
        self._refuse_to_run_if_closed(steps)
        runner = Runner(self, send)
        future: CallFuture[T] = CallFuture(runner)

        def done(_: Future[T]) -> None:
            # One that is cancelled before it began is not run.
            steps.close()
            if not future.cancelled():
                return
            rest = take_back(steps) or after_all(steps)
            if rest is not None:
                self._run_here(rest, Runner(self, send))

        future.add_done_callback(done)
        try:
            return self._waiters.start(future, future.work, self._run_here, steps, runner)
        except BaseException:
            steps.close()
            raise

    def _performing(
        self, send: Callable[[Call[Any]], Any] | None
    ) -> tuple[Callable[[Step[Any]], Any], Callable[[Any], Steps[Any]] | None]:
        perform, expand = super()._performing(send)
        return (lambda step: _result(perform(step))) if expand is None else perform, expand

    def invoke(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call *function*, the user's; where it returns a ``Future``, wait for its result."""
        return _result(function(*args))

    def close(self) -> None:
        """Close the connections; calls that are open fail, those not begun are cancelled."""
        # First what has not begun, which could not be cancelled once it fails.
        self._workers.close()
        self._waiters.close()
        super().close()


class Consul(ClosesDirectly, base.Consul[Futures]):
    """The client whose methods return a ``concurrent.futures.Future``.

    Arguments: see `consul.base.Consul`; *session* is a ``requests.Session``, and *workers* (int)
    is how many plain calls can run at a time.  Use it with ``with``, or ``close()`` it.
    """

    http: HTTPClient
    client_class = HTTPClient
    _foreign_options = ("loop",)
