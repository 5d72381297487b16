"""The flavour for threads: the blocking one in worker threads, each call a ``Future``.

The HTTP client is that of `consul.std`; it is the one flavour that another one imports.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from requests.adapters import HTTPAdapter

from consul import std
from consul.config import UNSET
from consul.lifecycle import Direct
from consul.request import Call, Limits
from consul.steps import Sleep, Step, Steps, drive_directly
from consul.workers import Workers

if TYPE_CHECKING:
    from consul._typed.threads import Consul as Base
    from consul.config import Cert
else:
    from consul.base import Consul as Base

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")


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
