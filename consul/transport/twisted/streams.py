"""Answers that `consul.twisted` reads part by part, and bodies that it sends so."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from twisted.internet import defer, error
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH, IBodyProducer
from zope.interface import implementer  # type: ignore[import-untyped]

from consul.core.address import Address
from consul.core.request import Request
from consul.transport.twisted.connections import (
    Connections,
    InFlight,
    Route,
    fields,
    to_headers,
    web,
)

if TYPE_CHECKING:
    from consul.core.stream import Pace


@implementer(IBodyProducer)
class Producer:
    """A body that is sent part by part, as fast as the server takes it.

    *part* gives the next part; *length* is None where it is not known.  *progressed* is called
    after each part.
    """

    def __init__(
        self, part: Callable[[], Deferred[bytes]], length: int | None, progressed: Callable[[], Any]
    ) -> None:
        self.length: Any = UNKNOWN_LENGTH if length is None else length
        self._part, self._progressed = part, progressed
        self._paused: Deferred[None] | None = None
        self._stopped = False

    def startProducing(self, consumer: Any) -> Deferred[None]:
        done: Deferred[None] = Deferred()

        def end(result: Any) -> None:
            # Where the connection has ended, Twisted does not want to hear of it.
            if not self._stopped:
                done.callback(result)

        self._send(consumer).addBoth(end)
        return done

    @inlineCallbacks
    def _send(self, consumer: Any) -> Generator[Any, Any, None]:
        while part := (yield self._part()):
            if self._stopped:
                return
            consumer.write(part)
            if self._paused is not None:
                yield self._paused
            self._progressed()

    def pauseProducing(self) -> None:
        if self._paused is None:
            self._paused = Deferred()

    def resumeProducing(self) -> None:
        paused, self._paused = self._paused, None
        if paused is not None:
            paused.callback(None)

    def stopProducing(self) -> None:
        self._stopped = True
        self.resumeProducing()


class Reading(Protocol):
    """The answer *reply*, whose server is held back while nobody reads.

    *stop* ends the connection; *ended* is called at the end of the answer.
    """

    def __init__(
        self, reactor: Any, reply: Any, stop: Callable[[], Any], ended: Callable[[], Any]
    ) -> None:
        self.code: int = reply.code
        self.headers = fields(reply)
        self._reactor, self._stop, self._ended = reactor, stop, ended
        self._parts: deque[bytes] = deque()
        self._waiting: Deferred[None] | None = None
        self._failure: BaseException | None = None
        self._over = False
        reply.deliverBody(self)
        self._pause()

    def _pause(self) -> None:
        transport: Any = self.transport
        if not self._over:
            transport.pauseProducing()

    def _wake(self, result: Any = None) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(result)

    def dataReceived(self, data: bytes) -> None:
        self._parts.append(data)
        self._pause()
        self._wake()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self._over = True
        # PotentialDataLoss: of no declared length, so the end of the connection is its end.
        if self._failure is None and not reason.check(web.ResponseDone, PotentialDataLoss):
            self._failure = reason.value
        self._ended()
        self._wake()

    def fail(self, reason: BaseException) -> None:
        """Have the reader get *reason* in place of what is still to come."""
        self._over, self._failure = True, reason
        self._parts.clear()
        self._wake()

    @inlineCallbacks
    def read(self, seconds: float | None) -> Generator[Any, Any, bytes]:
        """The next part within *seconds*; empty at the end."""
        if not self._parts and not self._over:
            transport: Any = self.transport
            waiting: Deferred[None] = Deferred()
            self._waiting = waiting
            timer = None
            if seconds is not None:
                late = Failure(error.TimeoutError())  # type: ignore[no-untyped-call]
                timer = self._reactor.callLater(seconds, self._wake, late)
            transport.resumeProducing()
            try:
                yield waiting
            finally:
                self._waiting = None
                if timer is not None and timer.active():
                    timer.cancel()
        if self._parts:
            return self._parts.popleft()
        if self._failure is not None:
            raise self._failure
        return b""

    def close(self) -> None:
        """End the connection, unless all of the answer was read."""
        if not self._over:
            self.fail(error.ConnectionAborted("the stream was closed"))
            self._stop()


class Opening(InFlight):
    """A request whose answer is read part by part: `finished` fires with its `Reading`.

    *part* gives the parts of its body, *length* bytes in all where that is known.
    """

    def __init__(
        self,
        connections: Connections,
        address: Address,
        request: Request,
        pace: Pace,
        part: Callable[[], Deferred[bytes]] | None,
        length: int | None,
    ) -> None:
        self._reactor, self._pace = connections.reactor, pace
        self._part, self._length = part, length
        self._reading: Reading | None = None
        super().__init__(connections, address, request._replace(deadline=pace.left()))

    def message(self, route: Route, request: Request, head: bytes) -> Any:
        """*request* as it goes over the wire."""
        if self._part is None:
            return super().message(route, request, head)
        headers = to_headers(without_length(request))
        headers.addRawHeader(b"Host", route.host)
        target = (route.address.prefix + request.target).encode("ascii")
        body = Producer(self._part, self._length, self._progressed)
        return web.Request(request.method.encode("ascii"), target, headers, body, persistent=True)

    def _progressed(self) -> None:
        left = self._pace.left()
        if left is not None and self.deadline is not None and self.deadline.active():
            self.deadline.reset(left)

    def read(self, reply: Any) -> None:
        """The head of the answer is there."""
        if self.deadline is not None and self.deadline.active():
            self.deadline.cancel()
        self._reading = Reading(self._reactor, reply, self._stop, self.ended)
        self.finished.callback(self._reading)  # type: ignore[arg-type]

    def _stop(self) -> None:
        if self.ended():
            self.drop()

    def abort(self, reason: Exception) -> Deferred[Any]:
        """Fail with *reason*; the Deferred fires when the connection is closed."""
        if self._reading is None:
            return super().abort(reason)
        if not self.ended():
            return defer.succeed(None)
        self._reading.fail(reason)
        return self.drop()


def without_length(request: Request) -> tuple[tuple[str, str], ...]:
    """The headers of *request*, but for the one that Twisted makes itself."""
    return tuple(pair for pair in request.headers if pair[0] != "Content-Length")


@inlineCallbacks
def begin(
    session: Any,
    reactor: Any,
    url: str,
    request: Request,
    pace: Pace,
    part: Callable[[], Deferred[bytes]] | None,
    length: int | None,
) -> Generator[Any, Any, Reading]:
    """The answer to *request*, by the user's own ``treq.client.HTTPClient``."""
    late = False

    def expired() -> None:
        nonlocal late
        late = True
        replied.cancel()

    def progressed() -> None:
        left = pace.left()
        if timer is not None and left is not None:
            timer.reset(left)

    left = pace.left()
    timer = None if left is None else reactor.callLater(left, expired)
    replied: Deferred[Any] = session.request(
        request.method,
        url,
        headers=to_headers(without_length(request)),
        data=None if part is None else Producer(part, length, progressed),
        allow_redirects=False,
        unbuffered=True,
    )
    try:
        reply = yield replied
    except Exception:
        if late:
            raise error.TimeoutError() from None  # type: ignore[no-untyped-call]
        raise
    finally:
        if timer is not None and timer.active():
            timer.cancel()
    if not hasattr(reply, "deliverBody"):
        raise TypeError(f"{session!r} cannot stream: its answers have no deliverBody()")
    reading: Reading

    def stop() -> None:
        transport: Any = reading.transport
        transport.loseConnection()

    reading = Reading(reactor, reply, stop, lambda: None)
    return reading
