"""Kept connections for the Tornado flavour; Tornado's `HTTP1Connection` speaks HTTP on them.

Tornado's own HTTP client opens a connection for each call, which takes longer than all the rest.

Parts of Tornado that this module relies on without a written contract, each checked by
``tests/unit/test_private_parts.py``:

* ``HTTP1Connection`` as a client: ``write_headers``, ``finish``, ``read_response``, and the methods
  of the stream that it reads with;
* ``IOStream.read_from_fd``, which receives everything;
* ``SSLIOStream._handle_connect``, which begins the handshake;
* ``IOLoop.asyncio_loop``.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any, TypeVar
from weakref import WeakSet

from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.netutil import Resolver

from consul.core.address import Address
from consul.core.request import Request, Response, lower_case_names
from consul.core.settings import MAX_IDLE_CONNECTIONS, Settings
from consul.transport.asyncio_loops import Expired, run_unsuspended, within

T = TypeVar("T")

#: No limit to a body, as in the other flavours.
PARAMETERS = HTTP1ConnectionParameters(max_header_size=1 << 16, max_body_size=1 << 62)
#: What says where a body ends.
DECLARED = frozenset(("Content-Length", "Transfer-Encoding"))


class Stream(IOStream):
    """A connection to the agent that counts the bytes which were received and not read."""

    address: Address
    unread = 0
    idle = quick = False
    #: Whether the answer says where it ends, rather than ending with the connection.
    declared = False
    #: Whether its body is wanted in as few pieces as possible.
    whole = True
    #: Called when it is closed, by whichever side.
    on_close: Callable[[], object] | None = None

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Receive something.

        Data on an idle connection breaks the protocol.  It is reported as the end of the stream, so
        that the connection is dropped.
        """
        count = super().read_from_fd(buf)
        if self.idle and count:
            return 0
        self.unread += count or 0
        return count

    async def _counted(self, reading: Awaitable[bytes]) -> bytes:
        part = await reading
        self.unread -= len(part)
        return part

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """As `IOStream` does."""
        return self._counted(super().read_until_regex(regex, max_bytes))

    def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """As `IOStream` does."""
        return self._counted(super().read_until(delimiter, max_bytes))

    def read_bytes(self, num_bytes: int, partial: bool = False) -> Awaitable[bytes]:
        """As `IOStream` does, but not in part where the length is known and all is wanted.

        So a body is put together from fewer pieces.
        """
        return self._counted(
            super().read_bytes(num_bytes, partial and not (self.declared and self.whole))
        )

    def set_nodelay(self, value: bool) -> None:
        """As `IOStream` does, but only once.  Tornado turns it on and off for each request."""
        if value and not self.quick:
            self.quick = True
            super().set_nodelay(True)

    def silent(self) -> bool:
        """Whether an idle connection has neither ended nor anything to say."""
        try:
            return not self.closed() and self.read_from_fd(bytearray(1)) is None
        except OSError:
            return False

    def close(self, exc_info: Any = False) -> None:
        """Close it.  A pending read gets an error."""
        loop: Any = self.io_loop
        if loop.asyncio_loop.is_closed():
            # A closed loop can tell no reader.
            self.abandon()
        else:
            super().close(exc_info)
            if self.on_close is not None:
                self.on_close()

    def abandon(self) -> None:
        """Close this process's copy of the socket, and do nothing else."""
        if self.socket is not None:
            descriptor = self.socket.detach()
            if descriptor != -1:
                os.close(descriptor)


class SecureStream(Stream, SSLIOStream):
    """The same with TLS."""

    def _handle_connect(self) -> None:
        super()._handle_connect()
        # The handshake takes the descriptor over, to a socket of its own.
        _close_with(self, self.socket)


def _close_with(stream: Stream, sock: socket.socket | None) -> None:
    """Close *sock* when *stream* is gone: a loop that ends early leaves that to the collector."""
    if sock is not None:
        weakref.finalize(stream, sock.close).atexit = False


def _open(stream: Stream, place: Any, name: str) -> Awaitable[Stream]:
    return stream.connect(place, name)


async def _connected(
    address: Address, seconds: float | None, context: ssl.SSLContext | None, name: str | None
) -> Stream:
    # TCPClient cannot create our `Stream`, and swapping the class afterwards could lose bytes that
    # were read already.
    failure: Exception = OSError("the name has no address")
    places: list[tuple[int, Any]] = [(socket.AF_UNIX, address.socket)]
    if address.socket is None:
        places = await Resolver().resolve(address.host, address.port)
    for family, place in places:
        sock = socket.socket(family)
        stream = Stream(sock) if context is None else SecureStream(sock, ssl_options=context)
        _close_with(stream, sock)
        try:
            # An address that stays silent leaves time for the others.
            share = seconds and seconds / len(places)
            return await within(_open(stream, place, name or address.host), share, Stream.close)
        except BaseException as error:
            stream.close()
            if isinstance(error, ssl.SSLError) or not isinstance(error, (OSError, Expired)):
                raise
            failure = error
    raise failure


class Answer(HTTPMessageDelegate):
    start: Any
    headers: HTTPHeaders
    complete = advance = False

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.body: list[bytes] = []

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> None:
        self.start, self.headers = start_line, headers
        self.stream.declared = not DECLARED.isdisjoint(headers)
        self.advance = self.advance or start_line.code < 200

    def data_received(self, chunk: bytes) -> None:
        self.body.append(chunk)

    def finish(self) -> None:
        self.complete = True
        if self.advance or self.stream.writing():
            # Otherwise Tornado hangs: version 6.4 after a 1xx, every version while the rest of an
            # already answered request is unsent.
            self.stream.close()


def to_headers(request: Request) -> HTTPHeaders:
    """The headers of *request*."""
    headers = HTTPHeaders()
    for name, value in request.headers:
        headers.add(name, value)
    return headers


def head(stream: Stream, request: Request) -> tuple[RequestStartLine, HTTPHeaders]:
    """The first line and the headers of *request* on *stream*."""
    headers = to_headers(request)
    if "Host" not in headers:
        headers["Host"] = stream.address.authority
    target = stream.address.prefix + request.target
    return RequestStartLine(request.method, target, "HTTP/1.1"), headers


class Pool:
    """The connections of one client in the running loop, whose end closes them."""

    def __init__(self, address: Address) -> None:
        self.loop = asyncio.get_running_loop()
        self._address = address
        self._idle: list[Stream] = []
        self._busy: set[Stream] = set()
        self._opening: set[asyncio.Future[Any]] = set()
        self._closed = False
        self._keeper = self._kept()
        run_unsuspended(self._keeper.__anext__())

    async def _kept(self) -> AsyncGenerator[None, None]:
        # asyncio.run() closes generators at its end.
        try:
            yield
        finally:
            self._end()

    def take(self, address: Address) -> Stream | None:
        """A connection that was kept, the last one first."""
        if address is not self._address:
            self._address = address
            self._end_idle()
        while self._idle:
            stream = self._idle.pop()
            if stream.silent():
                stream.idle = False
                self._busy.add(stream)
                return stream
            stream.close()
        return None

    async def open(
        self, seconds: float | None, context: ssl.SSLContext | None, name: str | None
    ) -> Stream:
        """A new connection."""
        address = self._address
        task = asyncio.ensure_future(_connected(address, seconds, context, name))
        self._opening.add(task)
        try:
            stream = await within(task, seconds, Stream.close)
        except asyncio.CancelledError:
            if self._closed and task.cancelled():
                raise ConnectionAbortedError("the client was closed") from None
            raise
        finally:
            self._opening.discard(task)
        if self._closed:
            stream.close()
            raise ConnectionAbortedError("the client was closed")
        stream.address = address
        # With TLS it is another one than it was made of.
        _close_with(stream, stream.socket)
        self._busy.add(stream)
        return stream

    async def exchange(self, stream: Stream, request: Request, seconds: float | None) -> Response:
        """The answer to *request*; afterwards the connection is kept or closed."""
        timer, kept = None, False
        if seconds is not None:
            timer = self.loop.call_later(seconds, stream.close, Expired("the time is up"))
        try:
            answer = Answer(stream)
            start, headers = head(stream, request)
            if request.body is not None or request.method != "GET":
                headers["Content-Length"] = str(len(request.body or b""))
            connection = HTTP1Connection(stream, True, PARAMETERS)
            connection.write_headers(start, headers, request.body)
            connection.finish()
            await connection.read_response(answer)
            if not answer.complete:
                raise StreamClosedError(
                    stream.error or ConnectionError("Tornado cannot read the answer")
                )
            headers = answer.headers
            if stream.error and not stream.declared:
                # The connection broke, which looked like the end of the body.
                raise StreamClosedError(stream.error)
            kept = answer.start.version == "HTTP/1.1"
            kept = kept and "close" not in headers.get("Connection", "").lower()
            return Response(
                answer.start.code, lower_case_names(headers.get_all()), b"".join(answer.body)
            )
        finally:
            if timer is not None:
                timer.cancel()
            self._busy.discard(stream)
            if not (kept and self._keep(stream)):
                stream.close()

    def leave(self, stream: Stream) -> None:
        """Forget *stream*, which is closed."""
        self._busy.discard(stream)

    def _keep(self, stream: Stream) -> bool:
        if (
            self._closed
            or stream.address is not self._address
            or len(self._idle) >= MAX_IDLE_CONNECTIONS
        ):
            return False
        if stream.closed() or stream.unread:
            return False
        stream.idle = True
        stream.set_close_callback(partial(self._dropped, stream))
        self._idle.append(stream)
        return True

    def _dropped(self, stream: Stream) -> None:
        if stream in self._idle:
            self._idle.remove(stream)

    def _end_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _end(self) -> None:
        self._closed = True
        self._end_idle()
        for task in list(self._opening):
            if not self.loop.is_closed():
                task.cancel()
        for stream in list(self._busy):
            stream.close(ConnectionAbortedError("the client was closed"))

    def close(self) -> None:
        """End all connections, those that are in use as well."""
        run_unsuspended(self._keeper.aclose())

    def abandon(self) -> None:
        """Leave the connections to another process: what their loop watches is shared by both."""
        for stream in (*self._idle, *self._busy):
            stream.abandon()


def current_loop() -> asyncio.AbstractEventLoop:
    """asyncio's loop beneath the current one of Tornado's."""
    current: Any = IOLoop.current()
    return current.asyncio_loop  # type: ignore[no-any-return]


#: Connections of a parent process, kept for ever: at their end they would be taken out of its loop.
_LEFT_TO_PARENT: list[object] = []


class Pools:
    """The connections of one client, a `Pool` for each event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        self._loops_of_parent: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
        self._context: ssl.SSLContext | None = None

    def after_fork(self) -> None:
        """Leave the connections to the parent: its loops wait by a descriptor that both share."""
        self._loops_of_parent.update(self._pools)
        for pool in self._pools.values():
            pool.abandon()
        _LEFT_TO_PARENT.append(self._pools)
        self._pools = {}

    def pool(self, address: Address) -> Pool:
        """The connections of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._pools.get(loop)
        if found is not None:
            return found
        if loop in self._loops_of_parent:
            raise RuntimeError("this event loop was in use before the fork: make a new one")
        for other in [other for other in self._pools if other.is_closed()]:
            self._pools.pop(other).close()
        self._pools[loop] = pool = Pool(address)
        return pool

    def secure(self, address: Address) -> tuple[ssl.SSLContext | None, str | None]:
        """How to secure a connection to *address*: a context and a server name, or None twice."""
        if address.scheme != "https":
            return None, None
        if self._context is None:
            self._context = self._settings.tls.context()
        return self._context, self._settings.tls.server_name

    def close(self, here: asyncio.AbstractEventLoop) -> None:
        """Close the connections of the loop *here*, and have other loops close theirs."""
        pools, self._pools = self._pools, {}
        for loop, pool in pools.items():
            if loop is not here and loop.is_running():
                loop.call_soon_threadsafe(pool.close)
            else:
                pool.close()


async def fetch(session: Any, url: str, request: Request) -> Response:
    """The answer to *request*, by the user's own ``AsyncHTTPClient``."""
    reply = await session.fetch(
        HTTPRequest(
            url,
            request.method,
            to_headers(request),
            request.body,
            # 0 is no limit; None would be Tornado's default of 20 s.
            request_timeout=request.deadline or 0,
            connect_timeout=request.connect or 0,
            follow_redirects=False,
            decompress_response=False,
            # A DELETE may have a body.
            allow_nonstandard_methods=True,
        ),
        raise_error=False,
    )
    return Response(reply.code, lower_case_names(reply.headers.get_all()), reply.body)
