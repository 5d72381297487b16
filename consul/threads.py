"""The flavour for threads: the blocking one in worker threads, each call a ``Future``.

The HTTP client is that of `consul.std`; it is the one flavour that another one imports.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from requests.adapters import HTTPAdapter

from consul import std
from consul.config import UNSET
from consul.lifecycle import Direct
from consul.request import Call, Limits
from consul.steps import Sleep, Step, Steps, drive_directly

if TYPE_CHECKING:
    from consul._typed.threads import Consul as Base
    from consul.config import Cert
else:
    from consul.base import Consul as Base

__all__ = ["Consul", "HTTPClient", "Workers"]

T = TypeVar("T")

#: Seconds after which a worker without work ends.
IDLE = 10.0


class Workers:
    """Threads, started as they are needed, *limit* at most.

    Not ``ThreadPoolExecutor``: at its end the interpreter waits for that one's threads, and so
    for every blocking query that is still open.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"workers must be 1 or more: {limit!r}")
        self.limit = limit
        self._tasks: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._changed = Condition()
        self._threads = self._idle = 0
        self._closed = False

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Have *function* called in a worker."""
        future: Future[T] = Future()
        with self._changed:
            self._tasks.append((future, function, args))
            if self._idle >= len(self._tasks):
                self._changed.notify()
            elif self._threads < self.limit:
                self._threads += 1
                Thread(target=self._work, name="consul", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._tasks or self._closed, IDLE)
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


class HTTPClient(std.HTTPClient):
    """One agent, reached by a ``requests.Session`` from up to *workers* threads."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int | str = 8500,
        scheme: str = "http",
        verify: bool | str = True,
        cert: Cert = None,
        *,
        prefix: str = "",
        limits: Limits | None = None,
        workers: int = 32,
    ) -> None:
        super().__init__(host, port, scheme, verify, cert, prefix=prefix, limits=limits)
        self.workers = Workers(workers)
        for start in ("http://", "https://"):
            self.session.mount(start, HTTPAdapter(pool_maxsize=workers))

    def fetch(self, call: Call[T]) -> T:
        """Perform *call* in this thread."""
        return super().send(call)

    def send(self, call: Call[T]) -> Future[T]:  # type: ignore[override]
        """Perform *call* in a worker."""
        return self.workers.submit(self.fetch, call)

    def close(self) -> None:
        """Close the connections; calls that wait for a thread are cancelled."""
        self.workers.close()
        self.workers = Workers(self.workers.limit)
        super().close()


class Consul(Direct, Base):
    """The client whose methods return a ``concurrent.futures.Future``.

    Arguments: see `consul.base.Client`; *workers* is how many calls and recipes can run at a time,
    each in a thread.  A blocking query takes one for as long as it waits, so leave some for the
    rest.  Use it with ``with``, or `close` it.
    """

    http: HTTPClient

    def __init__(
        self,
        host: str | None = None,
        port: int | str | None = None,
        token: str | None = None,
        scheme: str | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        verify: bool | str | None = None,
        cert: Cert = None,
        *,
        timeout: Any = UNSET,
        workers: int = 32,
    ) -> None:
        self.workers = workers
        super().__init__(host, port, token, scheme, consistency, dc, verify, cert, timeout=timeout)

    def http_connect(
        self, host: str, port: int, scheme: str, verify: bool | str = True, cert: Cert = None
    ) -> HTTPClient:
        """Make the HTTP client; a subclass may make its own."""
        return HTTPClient(
            host,
            port,
            scheme,
            verify,
            cert,
            prefix=self.config.prefix,
            limits=self.limits,
            workers=self.workers,
        )

    def perform(self, step: Step[Any]) -> Any:
        """Perform one step of a recipe, in this thread."""
        if isinstance(step, Call):
            return self.http.fetch(step)
        if isinstance(step, Sleep):
            return time.sleep(step.seconds)
        return time.monotonic()

    def run(self, steps: Steps[T]) -> Future[T]:
        """Run a recipe to its end, in one worker."""
        return self.http.workers.submit(drive_directly, steps, self.perform)

    def close(self) -> None:
        """Close the connections; calls that wait for a thread are cancelled."""
        self.http.close()
