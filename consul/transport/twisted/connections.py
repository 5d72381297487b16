"""Twisted's connections, and requests and answers as they go over them.

Parts of ``twisted.web.client`` that this module relies on without a written contract, each checked
by ``tests/unit/test_private_parts.py``: ``Request`` with its ``writeTo``, ``HTTPConnectionPool``'s
``getConnection``, ``retryAutomatically`` and ``_factory``, and a protocol's ``request`` and
``abort``.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Generator
from functools import lru_cache
from typing import Any, NamedTuple

from twisted.internet import defer, endpoints, error
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web import client
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from consul.core.address import Address
from consul.core.client import Unsent
from consul.core.request import Request, Response, lower_case_names
from consul.core.settings import MAX_IDLE_CONNECTIONS, Settings
from consul.transport.twisted.tls import Creator, Endpoint

#: Heads of requests that are kept: they hardly differ from call to call.
CACHED_HEADS = 64
#: Twisted requires a number of seconds to connect in; `InFlight` enforces the real one.
NO_TIMEOUT = 1e9
#: Seconds between attempts to connect to the addresses of a name (happy eyeballs).  Twisted also
#: notices a failed attempt only after this delay.
ATTEMPT_DELAY = 0.05
#: Bytes that the path of a unix socket may have.
MAX_SOCKET_PATH = 107 if sys.platform == "linux" else 103

#: Connections of a parent process, kept for ever: at their end they would be closed in both.
LEFT_TO_PARENT: list[object] = []

#: Twisted's classes here have no types.
web: Any = client

_NONE = Headers()


def to_headers(headers: tuple[tuple[str, str], ...]) -> Headers:
    """*headers* as Twisted's own."""
    made = Headers()
    for name, value in headers:
        made.addRawHeader(name, value)
    return made


def head(host: bytes, headers: tuple[tuple[str, str], ...]) -> bytes:
    """The lines that *headers* and the *host* make."""
    lines = [b"Host: %b\r\n" % host]
    for name, values in to_headers(headers).getAllRawHeaders():
        lines += [b"%b: %b\r\n" % (name, value) for value in values]
    return b"".join(lines)


def fields(reply: Any) -> dict[str, str]:
    """The headers of Twisted's *reply*, by name in lower case."""
    return lower_case_names(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in reply.headers.getAllRawHeaders()
        for value in values
    )


def response(reply: Any, body: bytes) -> Response:
    """Twisted's *reply* with its *body*."""
    return Response(reply.code, fields(reply), body)


class Message(web.Request):  # type: ignore[misc]
    """A request that is there in full and goes out in one piece."""

    def __init__(self, method: bytes, target: bytes, head: bytes, body: bytes | None) -> None:
        super().__init__(method, target, _NONE, None, persistent=True)
        if body is not None:
            head = b"%bContent-Length: %d\r\n" % (head, len(body))
        self._text = b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, target, head, body or b"")

    def writeTo(self, transport: Any) -> Deferred[None]:
        transport.write(self._text)
        return defer.succeed(None)


class Reader(Protocol):
    """Collects the body of *reply*; `client.readBody` cannot be cancelled on every transport."""

    reply: Any = None

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.finished: Deferred[Response] = Deferred(self.cancelled)

    def read(self, reply: Any) -> None:
        """Have `finished` fire with *reply* when it is there in full."""
        self.reply = reply
        reply.deliverBody(self)

    def cancelled(self, _: Deferred[Response]) -> None:
        """`finished` is not waited for any more."""
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()

    def ended(self) -> bool:
        """Whether this is the end: False where it was over before."""
        return not self.finished.called

    def failed(self, reason: Any) -> None:
        """There is no answer, because of *reason*."""
        if self.ended():
            self.finished.errback(reason)

    def dataReceived(self, data: bytes) -> None:
        self.parts.append(data)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        # PotentialDataLoss: of no declared length, so the end of the connection is its end.
        if not reason.check(web.ResponseDone, PotentialDataLoss):
            self.failed(reason)
        elif self.ended():
            self.finished.callback(response(self.reply, b"".join(self.parts)))


def _unsent(error: BaseException) -> Unsent:
    """The failure *error* of a request for which there was no connection."""
    unsent = Unsent()
    unsent.__cause__ = error
    return unsent


def _is_innermost(error: BaseException) -> bool:
    return not getattr(error, "reasons", ())


def innermost(
    error: BaseException, wanted: Callable[[BaseException], bool] = _is_innermost
) -> BaseException | None:
    """*error*, or one of those that it wraps, where it is the one that is *wanted*."""
    if wanted(error):
        return error
    for reason in getattr(error, "reasons", ()):
        found = innermost(reason.value, wanted)
        if found is not None:
            return found
    return None


class Route(NamedTuple):
    """The way to the agent at *address*."""

    address: Address
    endpoint: Any
    host: bytes


class InFlight(Reader):
    """One request on its way, on a connection that is its own as long as it lasts."""

    def __init__(self, connections: Connections, address: Address, request: Request) -> None:
        super().__init__()
        self.sent = False
        self._open = connections.open
        self._over = False
        self._pending: Deferred[Any] | None = None
        self._protocol: Any = None
        self._limit: Any = None
        #: The timer of all of it.
        self.deadline: Any = None
        reactor = connections.reactor
        self._open.add(self)
        if request.deadline is not None:
            self.deadline = reactor.callLater(request.deadline, self._expired)
        try:
            route = connections.route(address)
            head = connections.head(route.host, request.headers)
            self._message = self.message(route, request, head)
            pending = connections.take(route)
        except Exception as failure:
            self.failed(failure)
            return
        if request.connect is not None and not pending.called:
            self._limit = reactor.callLater(request.connect, self._expired)
        self._pending = pending
        pending.addCallback(self._connected).addErrback(self.failed)

    def message(self, route: Route, request: Request, head: bytes) -> Any:
        """*request* as it goes over the wire."""
        target = (route.address.prefix + request.target).encode("ascii")
        return Message(request.method.encode("ascii"), target, head, request.body)

    def _connected(self, protocol: Any) -> None:
        if self._over:
            protocol.transport.abortConnection()
            return
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self._protocol, self.sent = protocol, True
        protocol.request(self._message).addCallback(self.read).addErrback(self.failed)

    def _expired(self) -> None:
        self.abort(error.TimeoutError())  # type: ignore[no-untyped-call]

    def abort(self, reason: Exception) -> Deferred[Any]:
        """Fail with *reason*; the Deferred fires when the connection is closed."""
        if not self.ended():
            return defer.succeed(None)
        closing = self.drop()
        self.finished.errback(reason if self.sent else _unsent(reason))
        return closing

    def cancelled(self, _: Deferred[Response]) -> None:
        """`finished` is not waited for any more."""
        if self.ended():
            self.drop()

    def drop(self) -> Deferred[Any]:
        """End the connection, or the attempt to make one."""
        protocol = self._protocol
        if protocol is not None:
            closing: Deferred[Any] = protocol.abort()
            # At once, without sending what is left to be sent.
            protocol.transport.abortConnection()
            return closing
        if self._pending is not None:
            self._pending.cancel()
        return defer.succeed(None)

    def failed(self, reason: Any) -> None:
        """There is no answer, because of *reason*."""
        super().failed(reason if self.sent else _unsent(getattr(reason, "value", reason)))

    def ended(self) -> bool:
        """Whether this is the end, after which nothing is left: False where it was over before."""
        if self._over:
            return False
        self._over = True
        self._open.discard(self)
        for timer in (self.deadline, self._limit):
            if timer is not None and timer.active():
                timer.cancel()
        return True


def _is_silent(transport: Any) -> bool:
    """Whether a kept connection has neither been given up nor received anything."""
    if getattr(transport, "disconnecting", False):
        # Twisted has received something, and has not told the pool yet.
        return False
    sock = getattr(transport, "socket", None)
    if sock is None or sock.fileno() < 0 or not hasattr(select, "poll"):
        return True
    # What the reactor has not received yet.
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return not poll.poll(0)


class _QuietFactory(web._HTTP11ClientFactory):  # type: ignore[misc]
    """Twisted's, without two lines in the log for each connection."""

    noisy = False


class Connections:
    """The connections of one client, and the requests that are on their way."""

    def __init__(self, reactor: Any, settings: Settings) -> None:
        self.reactor, self.settings = reactor, settings
        self.pool = web.HTTPConnectionPool(reactor)
        self.pool._factory = _QuietFactory
        self.pool.maxPersistentPerHost = MAX_IDLE_CONNECTIONS
        # A write that may have been done must not be done again unasked.
        self.pool.retryAutomatically = False
        self.open: set[InFlight] = set()
        self.head = lru_cache(CACHED_HEADS)(head)
        self._route: Route | None = None

    def exchange(self, address: Address, request: Request) -> Deferred[Response]:
        """The answer of the agent at *address* to *request*."""
        return InFlight(self, address, request).finished

    def take(self, route: Route) -> Deferred[Any]:
        """A kept connection, or a new one, which may not be there yet."""
        while True:
            pending: Deferred[Any] = self.pool.getConnection(route.address, route.endpoint)
            protocol: Any = getattr(pending, "result", None)
            if not pending.called or _is_silent(getattr(protocol, "transport", None)):
                return pending
            # What is left of it is nobody's.
            protocol.transport.abortConnection()

    def route(self, address: Address) -> Route:
        """The way to the agent; OSError or ValueError where TLS cannot be used as it is set."""
        route = self._route
        if route is None or route.address is not address:
            if route is not None:
                self.pool.closeCachedConnections()
            host = address.authority.encode("ascii")
            route = self._route = Route(address, self._endpoint(address), host)
        return route

    def _endpoint(self, address: Address) -> Any:
        if address.socket is not None:
            # Twisted fails to say so, and would leave the caller waiting.
            if len(os.fsencode(address.socket)) > MAX_SOCKET_PATH:
                raise OSError(f"the path of the socket is too long: {address.socket}")
            # Twisted's class has no types.
            connect: Any = endpoints.UNIXClientEndpoint
            return connect(self.reactor, address.socket, NO_TIMEOUT)
        name = address.host
        endpoint: Any = endpoints.HostnameEndpoint(
            self.reactor, name, address.port, NO_TIMEOUT, attemptDelay=ATTEMPT_DELAY
        )
        if address.scheme == "https":
            tls = self.settings.tls
            endpoint = Endpoint(Creator(tls.context(), tls.server_name or name), endpoint)
        return endpoint

    def close(self) -> Deferred[None]:
        """Close them all; the requests that are on their way fail."""
        closing = [
            exchange.abort(error.ConnectionAborted("the client was closed"))
            for exchange in [*self.open]
        ]
        closing.append(self.pool.closeCachedConnections())
        return defer.gatherResults(closing).addCallback(lambda _: None)


def _expired(result: Any, seconds: float) -> Failure:
    return Failure(error.TimeoutError())  # type: ignore[no-untyped-call]


def fetch(session: Any, reactor: Any, url: str, request: Request) -> Deferred[Response]:
    """The answer to *request*, by the user's own ``treq.client.HTTPClient``."""
    replied: Deferred[Response] = _fetch(session, url, request)
    if request.deadline is not None:
        replied.addTimeout(request.deadline, reactor, _expired)
    return replied


@inlineCallbacks
def _fetch(session: Any, url: str, request: Request) -> Generator[Any, Any, Response]:
    reply = yield session.request(
        request.method,
        url,
        headers=to_headers(request.headers),
        data=request.body,
        allow_redirects=False,
        unbuffered=True,
    )
    if not hasattr(reply, "deliverBody"):
        return response(reply, (yield reply.content()))
    # Twisted's content() goes on reading after it was cancelled.
    reader = Reader()
    reader.read(reply)
    answer: Response = yield reader.finished
    return answer
