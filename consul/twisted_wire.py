"""Connections of Twisted's, and requests and answers as they go over them."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import Any, NamedTuple

from twisted.internet import defer, endpoints, error
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.web import client
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from consul.address import Address
from consul.config import KEPT, Config
from consul.request import Request, Response, lowered
from consul.twisted_tls import Creator, Endpoint

#: Heads of requests kept, for they hardly differ from call to call.
HEADS = 64
#: Seconds to connect in as far as Twisted minds it, which has no "none"; `Exchange` minds it.
FOREVER = 1e9

#: Seconds between attempts to connect to the addresses of a name; Twisted looks at how they ended
#: no sooner.
PATIENCE = 0.05
#: Bytes that the path of a unix socket may have.
LONGEST = 107 if sys.platform == "linux" else 103

#: Twisted's classes here have no types.
web: Any = client

_NONE = Headers()


def fields(headers: tuple[tuple[str, str], ...]) -> Headers:
    """*headers* as Twisted's own."""
    made = Headers()
    for name, value in headers:
        made.addRawHeader(name, value)
    return made


def head(host: bytes, headers: tuple[tuple[str, str], ...]) -> bytes:
    """The lines that *headers* and the *host* make."""
    lines = [b"Host: %b\r\n" % host]
    for name, values in fields(headers).getAllRawHeaders():
        lines += [b"%b: %b\r\n" % (name, value) for value in values]
    return b"".join(lines)


def response(reply: Any, body: bytes) -> Response:
    """Twisted's *reply* with its *body*."""
    pairs = (
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in reply.headers.getAllRawHeaders()
        for value in values
    )
    return Response(reply.code, lowered(pairs), body)


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


class Route(NamedTuple):
    """The way to the agent at *address*."""

    address: Address
    endpoint: Any
    host: bytes


class Exchange(Reader):
    """One request on its way, on a connection that is its own as long as it lasts."""

    def __init__(self, connections: Connections, address: Address, request: Request) -> None:
        super().__init__()
        self.sent = False
        self._open = connections.open
        self._over = False
        self._pending: Deferred[Any] | None = None
        self._protocol: Any = None
        self._limit: Any = None
        self._deadline: Any = None
        reactor = connections.reactor
        self._open.add(self)
        if request.deadline is not None:
            self._deadline = reactor.callLater(request.deadline, self._expired)
        try:
            route = connections.route(address)
            self._message = Message(
                request.method.encode("ascii"),
                (route.address.prefix + request.target).encode("ascii"),
                connections.head(route.host, request.headers),
                request.body,
            )
            pending = connections.pool.getConnection(route.address, route.endpoint)
        except Exception as failure:
            self.failed(failure)
            return
        if request.connect is not None and not pending.called:
            self._limit = reactor.callLater(request.connect, self._expired)
        self._pending = pending
        pending.addCallback(self._connected).addErrback(self.failed)

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
        closing = self._drop()
        self.finished.errback(reason)
        return closing

    def cancelled(self, _: Deferred[Response]) -> None:
        """`finished` is not waited for any more."""
        if self.ended():
            self._drop()

    def _drop(self) -> Deferred[Any]:
        protocol = self._protocol
        if protocol is not None:
            closing: Deferred[Any] = protocol.abort()
            # At once, without sending what is left to be sent.
            protocol.transport.abortConnection()
            return closing
        if self._pending is not None:
            self._pending.cancel()
        return defer.succeed(None)

    def ended(self) -> bool:
        """Whether this is the end, after which nothing is left: False where it was over before."""
        if self._over:
            return False
        self._over = True
        self._open.discard(self)
        for timer in (self._deadline, self._limit):
            if timer is not None and timer.active():
                timer.cancel()
        return True


class Connections:
    """The connections of one client, and the requests that are on their way."""

    def __init__(self, reactor: Any, config: Config) -> None:
        self.reactor, self.config = reactor, config
        self.pool = web.HTTPConnectionPool(reactor)
        self.pool.maxPersistentPerHost = KEPT
        # A write that may have been done must not be done again unasked.
        self.pool.retryAutomatically = False
        self.open: set[Exchange] = set()
        self.head = lru_cache(HEADS)(head)
        self._route: Route | None = None

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
            if len(os.fsencode(address.socket)) > LONGEST:
                raise OSError(f"the path of the socket is too long: {address.socket}")
            # Twisted's class has no types.
            connect: Any = endpoints.UNIXClientEndpoint
            return connect(self.reactor, address.socket, FOREVER)
        name = address.host
        endpoint: Any = endpoints.HostnameEndpoint(
            self.reactor, name, address.port, FOREVER, attemptDelay=PATIENCE
        )
        if address.scheme == "https":
            tls = self.config.tls
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
