"""The Tornado flavour, on Tornado's own streams."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from asyncio import Future
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from consul import base
from consul.exceptions import ConnectionFailed, ConsulException, Timeout, TLSError
from consul.lifecycle import Awaited
from consul.request import Attempt, Call, Request, Response
from consul.steps import Sleep, Step, Steps, drive

try:
    from tornado.httpclient import HTTPClientError, HTTPRequest
    from tornado.ioloop import IOLoop
    from tornado.simple_httpclient import HTTPTimeoutError
except ImportError as missing:
    raise ImportError(
        "consul.tornado needs Tornado: pip install 'python-consul[tornado]'"
    ) from missing

from consul.tornado_wire import Expired, Pool, fields, limited

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


class HTTPClient(base.HTTPClient):
    """One agent, reached by connections that the first calls make in their loop."""

    def _setup(self) -> None:
        if self.config.proxy is not None:
            raise ValueError(
                "consul.tornado cannot use a proxy: pass trust_env=False if it is the "
                "environment's, or a session that knows it"
            )
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
        self._pools[loop] = pool = Pool(self.address, self.config.max_polls)
        return pool

    def send(self, call: Call[T]) -> Future[T]:
        """Perform *call* and return its value; repeat it where its `consul.Retry` says so."""
        return _loop().create_task(self._sent(call))

    async def _sent(self, call: Call[T]) -> T:
        if self.watched:
            return await self._run(self.watching(call), self.send)
        began = time.monotonic()
        try:
            return await self.attempt(call)
        except ConsulException as error:
            if not self.repeats(call, error):
                raise
            failure = error
        return await self._run(self.repeating(call, failure, began), self.send)

    async def attempt(self, call: Call[T]) -> T:
        """Perform *call* once."""
        self.ready()
        deadline, began = call.request.deadline, time.monotonic()
        if self.config.max_polls is None or call.request.hold is None:
            return await self._exchanged(call)
        pool = self.pool()
        polls: Any = pool.polls
        try:
            await limited(polls.acquire(), deadline, lambda _: polls.release())
        except Expired as error:
            raise call.timed_out(Timeout) from error
        try:
            # The client may have been closed in the meantime.
            self.ready()
            if deadline is not None:
                call = call.within(max(0.001, began + deadline - time.monotonic()))
            return await self._exchanged(call)
        finally:
            # Else those that wait cannot be told.
            if not pool.loop.is_closed():
                polls.release()

    async def _exchanged(self, call: Call[T]) -> T:
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
        answered = {name.lower(): value for name, value in reply.headers.items()}
        return Response(reply.code, answered, reply.body)

    async def perform(self, send: Callable[[Call[Any]], Any], step: Step[Any]) -> Any:
        """Perform one step of a recipe."""
        if isinstance(step, Call):
            return await send(step)
        if isinstance(step, Attempt):
            return await self.attempt(step.call)
        if isinstance(step, Sleep):
            return await asyncio.sleep(step.seconds)
        return time.monotonic()

    def run(self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None) -> Future[T]:
        """Run a recipe to its end; *send* performs its calls, else `send` does."""
        return _loop().create_task(self._run(steps, send or self.send))

    async def _run(self, steps: Steps[T], send: Callable[[Call[Any]], Any]) -> T:
        driver = drive(steps, partial(self.perform, send))
        try:
            pending = driver.send(None)
            while True:
                try:
                    outcome = await pending
                except BaseException as error:
                    pending = driver.throw(error)
                else:
                    pending = driver.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        finally:
            driver.close()

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
