"""The Tornado flavour, on Tornado's own streams."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from asyncio import Future
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from consul.exceptions import ConnectionFailed, Timeout, TLSError
from consul.lifecycle import Awaited
from consul.loops import Expired, Looped
from consul.request import Call, Request, Response, lowered
from consul.steps import Steps

try:
    from tornado.httpclient import HTTPClientError, HTTPRequest
    from tornado.ioloop import IOLoop
    from tornado.simple_httpclient import HTTPTimeoutError
except ImportError as missing:
    raise ImportError(
        "consul.tornado needs Tornado: pip install 'python-consul[tornado]'"
    ) from missing

from consul.tornado_wire import Pool, fields

if TYPE_CHECKING:
    from consul._typed.tornado import Consul as Base
else:
    from consul.base import Consul as Base

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")

#: No connection was made, in the words of a session.
REFUSALS = (ConnectionRefusedError, FileNotFoundError, socket.gaierror)
#: TLS was broken off without a word, so that it says nothing about certificates.
CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
#: libcurl's CURLE_OPERATION_TIMEDOUT.
CURL_TIMEOUT = 28


def _loop() -> asyncio.AbstractEventLoop:
    current: Any = IOLoop.current()
    return current.asyncio_loop  # type: ignore[no-any-return]


class HTTPClient(Looped):
    """One agent, reached by connections that the first calls make in their loop."""

    def _setup(self) -> None:
        if self.config.proxy is not None:
            raise ValueError(
                "consul.tornado cannot use a proxy: pass trust_env=False if it is the "
                "environment's, or a session that knows it"
            )
        super()._setup()
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        self._parents: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
        self._context: ssl.SSLContext | None = None

    def forked(self) -> None:
        # Their loops watch by a descriptor that both processes share.
        self._parents.update(self._pools)
        for pool in self._pools.values():
            pool.abandon()
        _INHERITED.append(self._pools)
        self._pools = {}

    def pool(self) -> Pool:
        """The connections of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._pools.get(loop)
        if found is not None:
            return found
        if loop in self._parents:
            raise RuntimeError("this event loop was in use before the fork: make a new one")
        for other in [other for other in self._pools if other.is_closed()]:
            self._pools.pop(other).close()
        self._pools[loop] = pool = Pool(self.address)
        return pool

    def send(self, call: Call[T]) -> Future[T]:
        """Perform *call* and return its value; repeat it where its `consul.Retry` says so."""
        return _loop().create_task(self.sent(call))

    async def exchanged(self, call: Call[T]) -> T:
        """Have *call* answered, at once."""
        request, sent = call.request, False
        try:
            if self.config.session is not None:
                sent = True
                response = await self._fetched(request)
            else:
                pool, left = self.pool(), request.deadline
                stream = pool.take(self.address)
                if stream is None:
                    began = time.monotonic()
                    limits = [limit for limit in (request.connect, left) if limit is not None]
                    stream = await pool.open(min(limits, default=None), *self._secured())
                    if left is not None:
                        left += began - time.monotonic()
                sent = True
                response = await pool.exchange(stream, request, left)
        except (OSError, ValueError, HTTPClientError, Expired) as error:
            cause: Any = getattr(error, "real_error", None) or error
            slow = isinstance(error, HTTPClientError) and getattr(error, "errno", 0) == CURL_TIMEOUT
            if slow or isinstance(cause, (Expired, HTTPTimeoutError)):
                raise call.timed_out(Timeout) from call.cause(cause)
            # In TLS 1.3 a server refuses our certificate after the handshake.
            tls = isinstance(cause, ssl.SSLError) and not isinstance(cause, CUT_OFF)
            failure = call.failed(TLSError if tls else ConnectionFailed, cause)
            failure.sent = sent and not isinstance(cause, REFUSALS)
            raise failure from call.cause(cause)
        return call.read(response)

    def _secured(self) -> tuple[ssl.SSLContext | None, str | None]:
        if self.address.scheme != "https":
            return None, None
        if self._context is None:
            self._context = self.config.tls.context()
        return self._context, self.config.tls.server_name

    async def _fetched(self, request: Request) -> Response:
        reply = await self.config.session.fetch(
            HTTPRequest(
                self.url(request),
                request.method,
                fields(request),
                request.body,
                # 0 is none; None would be Tornado's default of 20 s.
                request_timeout=request.deadline or 0,
                connect_timeout=request.connect or 0,
                follow_redirects=False,
                decompress_response=False,
                # A DELETE may have a body.
                allow_nonstandard_methods=True,
            ),
            raise_error=False,
        )
        return Response(reply.code, lowered(reply.headers.get_all()), reply.body)

    def run(self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None) -> Future[T]:
        """Run a recipe to its end; *send* performs its calls, else `send` does."""
        return _loop().create_task(self.finished(steps, send or self.sent))

    def close(self) -> Future[None]:
        """Close the connections of the current loop, and have other loops close theirs."""
        self.closed = True
        here = _loop()
        pools, self._pools = self._pools, {}
        for loop, pool in pools.items():
            if loop is not here and loop.is_running():
                loop.call_soon_threadsafe(pool.close)
            else:
                pool.close()
        done: Future[None] = here.create_future()
        done.set_result(None)
        return done


#: Connections of a parent process: at their end they would be taken out of its loop.
_INHERITED: list[object] = []


class Consul(Awaited, Base):
    """The Tornado client: each method returns a Future, to be yielded or awaited.

    Arguments: see `consul.base.Client`; *session* is a ``tornado.httpclient.AsyncHTTPClient``.
    Use it with ``async with``, or yield or await `close`.
    """

    http: HTTPClient
    client_class = HTTPClient

    def close(self) -> Future[None]:
        """Close the connections; open calls fail, later ones are a RuntimeError."""
        return self.http.close()
