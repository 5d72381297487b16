"""The Tornado flavour, on Tornado's own HTTP client."""

from __future__ import annotations

import ssl
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar

from consul import base
from consul.exceptions import ConnectionFailed, Timeout, TLSError
from consul.lifecycle import Awaited
from consul.request import Call, Response
from consul.steps import Sleep, Step, Steps, drive

try:
    from tornado import gen
    from tornado.concurrent import Future
    from tornado.httpclient import HTTPRequest
    from tornado.httputil import HTTPHeaders
    from tornado.ioloop import IOLoop
    from tornado.simple_httpclient import (
        HTTPTimeoutError,
        SimpleAsyncHTTPClient,
        _HTTPConnection,
    )
except ImportError as missing:
    raise ImportError(
        "consul.tornado needs Tornado: pip install 'python-consul[tornado]'"
    ) from missing

if TYPE_CHECKING:
    from consul._typed.tornado import Consul as Base
else:
    from consul.base import Consul as Base

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")

#: Tornado's 10 would let blocking queries starve the rest; it takes no "unlimited".
MAX_CLIENTS = 1 << 30


class _Connection(_HTTPConnection):
    def on_connection_close(self) -> None:
        # Tornado raises what broke the stream where nobody but the log sees it, and the caller
        # would wait for its time limit, or for ever.
        error = self.stream.error
        if error is None:
            super().on_connection_close()
        else:
            self._handle_exception(type(error), error, error.__traceback__)


class _Client(SimpleAsyncHTTPClient):
    def _connection_class(self) -> type[_HTTPConnection]:
        return _Connection


class HTTPClient(base.HTTPClient):
    """One agent, reached by an HTTP client of Tornado's that the first call makes in its loop.

    It is `SimpleAsyncHTTPClient` whatever ``AsyncHTTPClient.configure`` says: the one on curl takes
    no ``ssl.SSLContext``.
    """

    def _setup(self) -> None:
        self._client: SimpleAsyncHTTPClient | None = None
        self._context: ssl.SSLContext | None = None

    @property
    def client(self) -> SimpleAsyncHTTPClient:
        """The HTTP client of the current loop."""
        if self._client is None or self._client.io_loop is not IOLoop.current():
            if self._client is not None:
                self._client.close()
            self._client = _Client(force_instance=True, max_clients=MAX_CLIENTS)
        return self._client

    def _ssl(self, url: str) -> ssl.SSLContext | None:
        if self._context is None and url.startswith("https:"):
            self._context = self.tls.context()
        return self._context

    @gen.coroutine
    def send(self, call: Call[T]) -> Generator[Any, Any, T]:
        """Perform *call* and return its value."""
        request, url = call.request, self.url(call.request)
        try:
            reply = yield self.client.fetch(
                HTTPRequest(
                    url,
                    request.method,
                    HTTPHeaders(dict(request.headers)),
                    request.body,
                    # 0 is none; None would be Tornado's default of 20 s.
                    request_timeout=request.deadline or 0,
                    connect_timeout=request.connect or 0,
                    ssl_options=self._ssl(url),
                    follow_redirects=False,
                    # A DELETE may have a body.
                    allow_nonstandard_methods=True,
                ),
                raise_error=False,
            )
        except HTTPTimeoutError as error:
            raise call.timed_out(Timeout) from call.cause(error)
        except ssl.SSLError as error:
            raise call.failed(TLSError, error) from call.cause(error)
        except Exception as error:
            # Tornado hands on whatever broke: OSError, its own errors, those of its parser.
            raise call.failed(ConnectionFailed, error) from call.cause(error)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return call.read(Response(reply.code, headers, reply.body))

    @gen.coroutine
    def close(self) -> Generator[Any, Any, None]:
        """Close the HTTP client."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
        yield gen.moment


class Consul(Awaited, Base):
    """The Tornado client: each method returns a Future, to be yielded or awaited.

    Arguments: see `consul.base.Client`.  Use it with ``async with``, or yield or await `close`.
    """

    http: HTTPClient
    client_class = HTTPClient

    def perform(self, step: Step[Any]) -> Any:
        """Perform one step of a recipe; a Future."""
        if isinstance(step, Call):
            return self._send(step)
        if isinstance(step, Sleep):
            return gen.sleep(step.seconds)
        now: Future[float] = Future()
        now.set_result(time.monotonic())
        return now

    def run(self, steps: Steps[T]) -> Future[T]:
        """Run a recipe to its end."""
        return gen.coroutine(drive)(steps, self.perform)

    def close(self) -> Future[None]:
        """Close the HTTP client; a later call makes a new one."""
        return self.http.close()
