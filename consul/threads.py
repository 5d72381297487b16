"""The flavour for threads: the blocking one in worker threads, each call a ``Future``.

The HTTP client is that of `consul.std`; it is the one flavour that another one imports.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from consul import std
from consul.lifecycle import Direct
from consul.request import Call
from consul.steps import Steps
from consul.values import count
from consul.workers import Workers

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul._typed.threads import Consul as Base
    from consul.config import Config, Options
    from consul.tls import Cert, Verify
else:
    from consul.base import Consul as Base

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")


class HTTPClient(std.HTTPClient):
    """One agent, reached as `consul.std` does it, from threads.

    *workers* is how many run plain calls.  Blocking queries and recipes spend their time waiting,
    so each has a thread of its own beside those, and cannot starve them.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int | str = 8500,
        scheme: str = "http",
        verify: Verify = True,
        cert: Cert = None,
        *,
        config: Config | None = None,
        workers: int = 16,
    ) -> None:
        self._limit = count("workers", workers)
        super().__init__(host, port, scheme, verify, cert, config=config)

    def _fresh(self) -> None:
        super()._fresh()
        self._workers = Workers(self._limit)
        self._waiters = Workers(None)

    def send(self, call: Call[T]) -> Future[T]:  # type: ignore[override]
        """Perform *call* in a thread."""
        self.ready()
        workers = self._workers if call.request.hold is None else self._waiters
        return workers.submit(super().send, call)

    def run(  # type: ignore[override]
        self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None
    ) -> Future[T]:
        """Run a recipe to its end, in a thread of its own."""
        try:
            self.ready()
        except BaseException:
            steps.close()
            raise
        return self._waiters.submit(self._finish, steps, super().send)

    def close(self) -> None:
        """Close the connections; calls that are open fail, those not begun are cancelled."""
        super().close()
        self._workers.close()
        self._waiters.close()


class Consul(Direct, Base):
    """The client whose methods return a ``concurrent.futures.Future``.

    Arguments: see `consul.base.Client`; *session* is a ``requests.Session``, and *workers* (int)
    is how many plain calls can run at a time.  Use it with ``with``, or ``close()`` it.
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
        verify: Verify | None = None,
        cert: Cert = None,
        *,
        workers: int = 16,
        **options: Unpack[Options],
    ) -> None:
        self.workers = workers
        super().__init__(host, port, token, scheme, consistency, dc, verify, cert, **options)

    def http_connect(
        self, host: str, port: int, scheme: str, verify: Verify = True, cert: Cert = None
    ) -> HTTPClient:
        """Make the HTTP client; a subclass may make its own."""
        return HTTPClient(
            host, port, scheme, verify, cert, config=self.config, workers=self.workers
        )
