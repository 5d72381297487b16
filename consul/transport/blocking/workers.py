"""The threads of `consul.threads`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from threading import Condition, Thread
from typing import Any, TypeVar

from consul.core.steps import Cancelled
from consul.exceptions import Closed
from consul.transport.blocking.runner import Runner

T = TypeVar("T")

#: Seconds after which a worker without work ends.
IDLE_THREAD_ENDS = 10.0


class CallFuture(Future[T]):
    """The future of a call, which can be cancelled even when it has begun."""

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self._runner = runner

    def cancel(self) -> bool:
        """Cancel the call: one that has begun is given up, though the server may have acted."""
        return super().cancel() or (not self.done() and self._runner.cancel())

    def cancelled(self) -> bool:
        """Whether the call was cancelled, before it had begun or later."""
        return super().cancelled() or (
            self.done() and isinstance(self.exception(0), CancelledError)
        )

    def work(self, function: Callable[..., T], *args: Any) -> T:
        """What *function* returns; CancelledError where the future is cancelled before that."""
        # The traceback of an error has this frame, and the future has the error.
        runner = self._runner
        del self
        try:
            result = runner.call(function, *args)
            runner.finish()
        except Cancelled:
            raise CancelledError from None
        return result


class Workers:
    """Threads, started as they are needed, *limit* at most, or any number of them.

    Not ``ThreadPoolExecutor``: at its end the interpreter waits for that one's threads, and so
    for every blocking query that is still open.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._tasks: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._changed = Condition()
        self._threads = self._idle = 0
        self._closed = False

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Have *function* called in a worker."""
        future: Future[T] = Future()
        return self.start(future, function, *args)

    def start(self, future: Future[T], function: Callable[..., T], *args: Any) -> Future[T]:
        """Have *function* called in a worker; *future* gets the result."""
        with self._changed:
            if self._closed:
                raise Closed("the client is closed")
            self._tasks.append((future, function, args))
            if self._idle >= len(self._tasks):
                self._changed.notify()
            elif self.limit is None or self._threads < self.limit:
                self._threads += 1
                Thread(target=self._work, name="consul", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._tasks or self._closed, IDLE_THREAD_ENDS)
                self._idle -= 1
                if not self._tasks:
                    self._threads -= 1
                    return
                future, function, args = self._tasks.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    result = function(*args)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            # An idle worker must not keep the last answer alive.
            del future, function, args

    def close(self) -> None:
        """Cancel what has not begun and let the threads end; what runs is not waited for."""
        with self._changed:
            self._closed = True
            waiting = [future for future, _, _ in self._tasks]
            self._tasks.clear()
            self._changed.notify_all()
        for future in waiting:
            future.cancel()
            future.set_running_or_notify_cancel()
