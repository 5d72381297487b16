"""The Tornado flavour, on Tornado's own streams."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from asyncio import Future
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from consul import base
from consul.core.client import Fault, Unsent
from consul.core.flavour import Yielded
from consul.core.lifecycle import ClosesAwaited
from consul.core.request import Call, Request, Response
from consul.core.steps import Steps
from consul.exceptions import ConnectionFailed, Timeout, TLSError

try:
    from tornado.httpclient import HTTPClientError
    from tornado.simple_httpclient import HTTPTimeoutError

    from consul.transport.tornado.connections import Pool, Pools, Stream, current_loop, fetch, head
    from consul.transport.tornado.streams import Reading
except ImportError as missing:
    raise ImportError(
        "consul.tornado needs Tornado: pip install 'python-consul[tornado]'"
    ) from missing

from consul.transport.asyncio_loops import AsyncioClient, Expired

if TYPE_CHECKING:
    from consul.core.stream import Pace, Upload

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")

#: No connection was made, as a session says it.
REFUSALS = (ConnectionRefusedError, FileNotFoundError, socket.gaierror)
#: The connection ended during TLS, which says nothing about certificates.
CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
#: libcurl's CURLE_OPERATION_TIMEDOUT.
CURL_TIMEOUT = 28


class HTTPClient(AsyncioClient):
    """One agent, reached by connections that the first calls make in their loop."""

    failures = (OSError, ValueError, HTTPClientError, Expired, Unsent)

    def _set_up(self) -> None:
        if self.settings.proxy is not None:
            raise ValueError(
                "consul.tornado cannot use a proxy: pass trust_env=False if it is the "
                "environment's, or a session that knows it"
            )
        self._pools = Pools(self.settings)

    def _after_fork(self) -> None:
        super()._after_fork()
        self._pools.after_fork()

    async def exchange(self, request: Request) -> Response:
        """The answer of the server to *request*."""
        if self.settings.session is not None:
            return await fetch(self.settings.session, self.url(request), request)
        address, left = self.settings.address, request.deadline
        try:
            pool = self._pools.pool(address)
            stream = pool.take(address)
            if stream is None:
                began = time.monotonic()
                stream = await self._connected(pool, request.connect, left)
                if left is not None:
                    left += began - time.monotonic()
        except (OSError, ValueError, Expired) as error:
            raise Unsent from error
        return await pool.exchange(stream, request, left)

    async def _connected(self, pool: Pool, *limits: float | None) -> Stream:
        """A new connection; None is no limit."""
        limit = min((limit for limit in limits if limit is not None), default=None)
        return await pool.open(limit, *self._pools.secure(self.settings.address))

    async def open(self, request: Request, pace: Pace, upload: Upload | None) -> Reading:
        """The answer of the server to *request*, to be read part by part."""
        if self.settings.session is not None:
            raise TypeError(
                "consul.tornado cannot stream by a session: an AsyncHTTPClient can neither wait "
                "for a slow reader nor end a stream"
            )
        try:
            pool = self._pools.pool(self.settings.address)
            stream = await self._connected(pool, request.connect, pace.left())
        except (OSError, ValueError, Expired) as error:
            raise Unsent from error
        reading = Reading(stream, pool.leave)
        start, headers = head(stream, request)
        parts = None
        if upload is not None:
            parts = self._parts(upload)
        elif request.method != "GET":
            headers["Content-Length"] = "0"
        await reading.begin(start, headers, parts, pace.left)
        return reading

    async def _parts(self, upload: Upload) -> AsyncIterator[bytes]:
        while part := await self._finish(upload.part(), self._perform):
            yield part

    def classify(self, error: BaseException) -> Fault:
        """What a failure of Tornado means."""
        cause: Any = getattr(error, "real_error", None) or error
        slow = isinstance(error, HTTPClientError) and getattr(error, "errno", 0) == CURL_TIMEOUT
        if slow or isinstance(cause, (Expired, HTTPTimeoutError)):
            return Fault(Timeout, cause=cause)
        # In TLS 1.3 a server refuses our certificate after the handshake.
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, CUT_OFF):
            return Fault(TLSError, cause=cause)
        return Fault(ConnectionFailed, not isinstance(cause, REFUSALS), cause)

    def send(self, call: Call[T]) -> Future[T]:
        """Perform *call* and return its value; repeat it where its `consul.Retry` says so."""
        return current_loop().create_task(self._send(call))

    def run(self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None) -> Future[T]:
        """Run a recipe to its end; *send* performs its calls in place of our own."""
        running = current_loop().create_task(self._run(steps, send))
        running.add_done_callback(lambda _: self._drop(steps, send))
        return running

    def close(self) -> Future[None]:
        """End the tasks and close the connections, in other loops as well."""
        loop = current_loop()
        if self._tasks and not self._ended:
            return loop.create_task(self._close())
        self.closed = True
        self._ended.set()
        self._pools.close(loop)
        done: Future[None] = loop.create_future()
        done.set_result(None)
        return done

    async def _close(self) -> None:
        await self._end_tasks()
        self._pools.close(asyncio.get_running_loop())


class Consul(ClosesAwaited, base.Consul[Yielded]):
    """The Tornado client: each method returns a Future, to be yielded or awaited.

    Arguments: see `consul.base.Consul`; *session* is a ``tornado.httpclient.AsyncHTTPClient``.
    Use it with ``async with``, or yield or await `close`.
    """

    http: HTTPClient
    client_class = HTTPClient

    def close(self) -> Future[None]:
        """Close the connections; open calls fail, later ones raise `consul.Closed`."""
        return self.http.close()
