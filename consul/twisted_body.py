"""Bodies as Twisted sends and receives them."""

from __future__ import annotations

from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.web import client
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer  # type: ignore[import-untyped]


@implementer(IBodyProducer)
class Body:
    """A request body that is there in full."""

    def __init__(self, body: bytes) -> None:
        self.body, self.length = body, len(body)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        consumer.write(self.body)
        return defer.succeed(None)

    def pauseProducing(self) -> None: ...

    resumeProducing = stopProducing = pauseProducing


class Reader(Protocol):
    """Collects an answer's body; `client.readBody` cannot be cancelled on every transport."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.finished: Deferred[bytes] = Deferred(self._cancelled)

    def _cancelled(self, _: Deferred[bytes]) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        self.parts.append(data)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        if self.finished.called:
            return
        # PotentialDataLoss: of no declared length, so the end of the connection is its end.
        if reason.check(client.ResponseDone, PotentialDataLoss):
            self.finished.callback(b"".join(self.parts))
        else:
            self.finished.errback(reason)
