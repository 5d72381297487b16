"""The Twisted flavour, on the connections of `twisted.web.client`.

Not on treq or Twisted's Agent: they parse and build anew what is the same in each call, and that
takes longer than the rest.  No reactor is installed by importing this or by making a client; the
first call takes the one that there is.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from consul import base
from consul.exceptions import ConnectionFailed, ConsulException, Timeout, TLSError
from consul.lifecycle import Awaited
from consul.request import Attempt, Call, Request, Response
from consul.steps import Sleep, Step, Steps, drive

try:
    from OpenSSL import SSL
    from twisted.internet import defer, error, task
    from twisted.internet.defer import Deferred, inlineCallbacks
    from twisted.python.failure import Failure

    from consul.twisted_tls import InsecureContextFactory
    from consul.twisted_wire import Connections, Exchange, Reader, fields, response
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

#: Clients of the process that this one was forked off, with their connections.
_parents: set[HTTPClient] = set()


def _has(failure: BaseException, found: Callable[[BaseException], bool]) -> BaseException | None:
    """*failure*, or one of those that it wraps, where it is the one to be *found*."""
    if found(failure):
        return failure
    for reason in getattr(failure, "reasons", ()):
        within = _has(reason.value, found)
        if within is not None:
            return within
    return None


def _of_tls(failure: BaseException) -> bool:
    # The last: the certificate is good, but for another host, says a user's own client.
    module = type(failure).__module__.partition(".")[0]
    return isinstance(failure, (SSL.Error, ssl.SSLError)) or module == "service_identity"


def _of_cancelling(failure: BaseException) -> bool:
    return isinstance(failure, (defer.CancelledError, error.ConnectingCancelledError))


def _failed(failure: Failure, call: Call[Any], sent: Callable[[BaseException], bool]) -> NoReturn:
    """Raise what *failure* means to whoever made *call*."""
    problem: Any = failure.value
    if isinstance(problem, error.TimeoutError):
        raise call.timed_out(Timeout) from call.cause(problem)
    if _has(problem, _of_cancelling):
        raise defer.CancelledError from None
    found = _has(problem, _of_tls)
    if found is not None:
        found = found.__cause__ or found
        raise call.failed(TLSError, found) from call.cause(found)
    # The text of the one within says more, without as many brackets.
    found = _has(problem, lambda one: not getattr(one, "reasons", ())) or problem
    failed = call.failed(ConnectionFailed, found)
    failed.sent = sent(problem)
    raise failed from call.cause(problem)


def _expired(result: Any, seconds: float) -> Failure:
    return Failure(error.TimeoutError())  # type: ignore[no-untyped-call]


class HTTPClient(base.HTTPClient):
    """One agent, reached by a pool of connections that the first call makes."""

    def _setup(self) -> None:
        if self.config.proxy is not None:
            raise ValueError(
                "consul.twisted cannot use a proxy; when it is the environment that names one, "
                "pass trust_env=False to do without"
            )
        self._connections: Connections | None = None
        polls = self.config.max_polls
        self._polls = None if polls is None else defer.DeferredSemaphore(polls)

    def forked(self) -> None:
        """Leave all to the parent; what the reactor waits with is shared by both processes."""
        if self._connections is not None:
            # To end something here would end it there.
            _parents.add(self)

    def ready(self) -> None:
        """Refuse when closed, or when the reactor is another process's."""
        super().ready()
        if self in _parents:
            raise RuntimeError(
                "the reactor was in use before the fork: fork first, or start the process anew"
            )

    @property
    def connections(self) -> Connections:
        """The connections to the agent, by the reactor that there is."""
        if self._connections is None:
            from twisted.internet import reactor

            self._connections = Connections(reactor, self.config)
        return self._connections

    def send(self, call: Call[T]) -> Deferred[T]:
        """Perform *call*; its value, and it is repeated where its `consul.Retry` says so."""
        if self.watched:
            return self.run(self.watching(call))
        began = time.monotonic()
        attempted: Deferred[T] = self.attempt(call)
        return attempted.addErrback(self._again, call, began)

    def _again(self, failure: Failure, call: Call[T], began: float) -> Any:
        problem = failure.value
        if isinstance(problem, ConsulException) and self.repeats(call, problem):
            return self.run(self.repeating(call, problem, began))
        return failure

    def attempt(self, call: Call[T]) -> Deferred[T]:
        """Perform *call* once."""
        try:
            self.ready()
        except RuntimeError:
            return defer.fail()
        if self._polls is None or call.request.hold is None:
            return self._exchanged(call)
        return self._polled(self._polls, call)

    @inlineCallbacks
    def _polled(self, polls: defer.DeferredSemaphore, call: Call[T]) -> Generator[Any, Any, T]:
        began, deadline = time.monotonic(), call.request.deadline
        acquired: Deferred[Any] = polls.acquire()
        if deadline is not None:
            acquired.addTimeout(deadline, self.connections.reactor, _expired)
        try:
            yield acquired
        except error.TimeoutError as failure:
            raise call.timed_out(Timeout) from failure
        try:
            # It may have been closed meanwhile.
            self.ready()
            value: T = yield self._exchanged(call.after(time.monotonic() - began))
            return value
        finally:
            polls.release()

    def _exchanged(self, call: Call[T]) -> Deferred[T]:
        if self.config.session is not None:
            replied: Deferred[Response] = self._with_session(call.request)
            if call.request.deadline is not None:
                replied.addTimeout(call.request.deadline, self.connections.reactor, _expired)
            return replied.addCallbacks(call.read, _failed, errbackArgs=(call, _connected))
        exchange = Exchange(self.connections, self.address, call.request)
        return exchange.finished.addCallbacks(
            call.read, _failed, errbackArgs=(call, lambda _: exchange.sent)
        )

    @inlineCallbacks
    def _with_session(self, request: Request) -> Generator[Any, Any, Response]:
        reply = yield self.config.session.request(
            request.method,
            self.url(request),
            headers=fields(request.headers),
            data=request.body,
            allow_redirects=False,
            unbuffered=True,
        )
        if not hasattr(reply, "deliverBody"):
            return response(reply, (yield reply.content()))
        # A content() that is cancelled goes on to read.
        reader = Reader()
        reader.read(reply)
        answer: Response = yield reader.finished
        return answer

    def perform(self, send: Callable[[Call[Any]], Any], step: Step[Any]) -> Any:
        """Perform one step of a recipe; a Deferred, or the outcome itself."""
        if isinstance(step, Call):
            return send(step)
        if isinstance(step, Attempt):
            return self.attempt(step.call)
        if isinstance(step, Sleep):
            from twisted.internet import reactor

            return task.deferLater(reactor, step.seconds)
        return time.monotonic()

    def run(self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None) -> Deferred[T]:
        """Run a recipe to its end; *send* performs its calls, else `send` does."""
        return inlineCallbacks(drive)(steps, partial(self.perform, send or self.send))

    def close(self) -> Deferred[None]:
        """Close the connections; the calls that use them fail."""
        self.closed = True
        if self._connections is None or self in _parents:
            return defer.succeed(None)
        return self._connections.close()


def _connected(failure: BaseException) -> bool:
    """Whether a connection was made before *failure*."""
    return not isinstance(failure, (error.ConnectError, error.DNSLookupError))


class Consul(Awaited, Base):
    """The Twisted client: each method returns a Deferred.

    Arguments: see `consul.base.Client`; *session* is a ``treq.client.HTTPClient``; there is no
    *proxy*.  Use it with ``async with``, or wait for `close`.
    """

    http: HTTPClient
    client_class = HTTPClient

    def close(self) -> Deferred[None]:
        """Close the connections; open calls fail, later ones are a RuntimeError."""
        return self.http.close()
