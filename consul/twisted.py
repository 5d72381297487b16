"""The Twisted flavour, on `twisted.web.client.Agent`.

Not on treq: it parses and quotes each URL again and merges cookies, and nothing of that is wanted.
No reactor is installed by importing this or by making a client; the first call takes the one that
there is.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar

from consul import base
from consul.exceptions import ConnectionFailed, Timeout, TLSError
from consul.lifecycle import Awaited
from consul.request import Call, Request, Response
from consul.steps import Sleep, Step, Steps, drive

try:
    from OpenSSL import SSL
    from service_identity import CertificateError, VerificationError
    from twisted.internet import defer, error, task
    from twisted.internet.defer import Deferred, inlineCallbacks
    from twisted.python.failure import Failure
    from twisted.web import client
    from twisted.web.http_headers import Headers

    from consul.twisted_body import Body, Reader
    from consul.twisted_tls import ContextFactory, InsecureContextFactory
except ImportError as missing:
    raise ImportError(
        "consul.twisted needs Twisted with TLS: pip install 'python-consul[twisted]'"
    ) from missing

if TYPE_CHECKING:
    from consul._typed.twisted import Consul as Base
else:
    from consul.base import Consul as Base

__all__ = ["Consul", "HTTPClient", "InsecureContextFactory"]

T = TypeVar("T")

#: Idle connections kept; there is no limit to those in use.
KEPT = 64
#: Seconds to connect in, where a client has no limit; Twisted has no "none".
FOREVER = 1e9
#: The last two: the certificate is good, but for another host.
TLS_ERRORS = (SSL.Error, error.SSLError, CertificateError, VerificationError)


def _has(failure: BaseException, kinds: Any) -> bool:
    """Whether *failure*, or one of those that it wraps, is of *kinds*."""
    return isinstance(failure, kinds) or any(
        _has(reason.value, kinds) for reason in getattr(failure, "reasons", ())
    )


def _expired(result: Any, seconds: float) -> Failure:
    return Failure(error.TimeoutError())  # type: ignore[no-untyped-call]


class HTTPClient(base.HTTPClient):
    """One agent, reached by a `twisted.web.client.Agent` that the first call makes."""

    def _setup(self) -> None:
        self._pool: Any = None
        self._agent: Any = None

    @property
    def agent(self) -> Any:
        """The agent, with its pool of connections."""
        if self._agent is None:
            from twisted.internet import reactor

            # Twisted's classes here have no types.
            web: Any = client
            policy: Any = None
            if self.base_uri.startswith("https:"):
                policy = (ContextFactory if self.verify else InsecureContextFactory)(self.tls)
            self._pool = web.HTTPConnectionPool(reactor)
            self._pool.maxPersistentPerHost = KEPT
            # A write that may have been done must not be done again unasked.
            self._pool.retryAutomatically = False
            agent = web.Agent(
                reactor,
                policy or web.BrowserLikePolicyForHTTPS(),
                connectTimeout=self.limits.connect or FOREVER,
                pool=self._pool,
            )
            self._agent = web.ContentDecoderAgent(agent, [(b"gzip", web.GzipDecoder)])
        return self._agent

    @inlineCallbacks
    def _exchange(self, request: Request) -> Generator[Any, Any, Response]:
        fields = Headers()
        for name, value in request.headers:
            fields.addRawHeader(name, value)
        body = None if request.body is None else Body(request.body)
        url = self.url(request).encode("ascii")
        reply = yield self.agent.request(request.method.encode("ascii"), url, fields, body)
        reader = Reader()
        reply.deliverBody(reader)
        content = yield reader.finished
        return Response(
            reply.code,
            {
                name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
                for name, values in reply.headers.getAllRawHeaders()
            },
            content,
        )

    @inlineCallbacks
    def send(self, call: Call[T]) -> Generator[Any, Any, T]:
        """Perform *call* and return its value."""
        from twisted.internet import reactor

        request = call.request
        exchange: Deferred[Any] = self._exchange(request)
        if request.deadline is not None:
            exchange.addTimeout(request.deadline, reactor, _expired)
        try:
            response = yield exchange
        except error.TimeoutError as failure:
            raise call.timed_out(Timeout) from call.cause(failure)
        except Exception as failure:
            if _has(failure, (defer.CancelledError, error.ConnectingCancelledError)):
                raise defer.CancelledError from None
            kind = TLSError if _has(failure, TLS_ERRORS) else ConnectionFailed
            raise call.failed(kind, failure) from call.cause(failure)
        return call.read(response)

    def close(self) -> Deferred[None]:
        """Close the connections that are not in use."""
        pool, self._pool, self._agent = self._pool, None, None
        closing: Deferred[Any] = defer.succeed(None)
        if pool is not None:
            closing = pool.closeCachedConnections()
        return closing.addCallback(lambda _: None)


class Consul(Awaited, Base):
    """The Twisted client: each method returns a Deferred.

    Arguments: see `consul.base.Client`.  Use it with ``async with``, or wait for `close`.
    """

    http: HTTPClient
    client_class = HTTPClient

    def perform(self, step: Step[Any]) -> Any:
        """Perform one step of a recipe; a Deferred, or the outcome itself."""
        if isinstance(step, Call):
            return self._send(step)
        if isinstance(step, Sleep):
            from twisted.internet import reactor

            return task.deferLater(reactor, step.seconds)
        return time.monotonic()

    def run(self, steps: Steps[T]) -> Deferred[T]:
        """Run a recipe to its end."""
        return inlineCallbacks(drive)(steps, self.perform)

    def close(self) -> Deferred[None]:
        """Close the connections that are not in use; a later call opens new ones."""
        return self.http.close()
