"""The blocking flavour, on requests; under gevent's monkey-patching it is a cooperative one."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from functools import partial
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, TypeVar

import requests
import urllib3

from consul import base, exceptions
from consul.exceptions import ConsulException
from consul.lifecycle import Direct
from consul.request import Attempt, Call, Request, Response, lowered
from consul.std_wire import Adapter, Pools, abandon, limits
from consul.steps import Sleep, Step, Steps, drive_directly

if TYPE_CHECKING:
    from collections.abc import Callable

    from consul._typed.std import Consul as Base
else:
    from consul.base import Consul as Base

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")


class Timeout(exceptions.Timeout, requests.exceptions.Timeout):
    """`consul.Timeout` that is requests' exception as well."""


class ConnectTimeout(Timeout, requests.exceptions.ConnectTimeout):
    """No connection within the time limit."""


class ConnectionFailed(exceptions.ConnectionFailed, requests.exceptions.ConnectionError):
    """`consul.ConnectionFailed` that is requests' exception as well."""


class TLSError(exceptions.TLSError, requests.exceptions.SSLError):
    """`consul.TLSError` that is requests' exception as well."""


#: It is `consul.Retry` that repeats a call.
NEVER = urllib3.Retry(False)

#: No connection was made, for another reason than the time.
REFUSALS = (urllib3.exceptions.NewConnectionError,)
CONNECT_TIMEOUTS = (urllib3.exceptions.ConnectTimeoutError,)
TIMEOUTS = (urllib3.exceptions.TimeoutError, requests.exceptions.Timeout, TimeoutError)
TLS_ERRORS = (urllib3.exceptions.SSLError, requests.exceptions.SSLError, ssl.SSLError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """*error* and what it wraps: requests wraps urllib3's errors, which wrap those beneath."""
    pending: list[object] = [error]
    while pending:
        found = pending.pop()
        if isinstance(found, BaseException):
            yield found
            pending += (*found.args, getattr(found, "reason", None))


class HTTPClient(base.HTTPClient):
    """One agent, reached by urllib3's connections as requests uses them.

    What requests does for each call on top of them takes longer than all the rest.  Whoever takes
    *session* to change it, or brings one, gets that as well.
    """

    def _setup(self) -> None:
        self._session: requests.Session | None = self.config.session
        self._fresh()

    def _fresh(self) -> None:
        self._lock = Lock()
        self._pools: Pools | None = None
        polls = self.config.max_polls
        self._polls = None if polls is None else BoundedSemaphore(polls)

    def forked(self) -> None:
        pools = self._pools
        self._fresh()
        if pools is not None:
            pools.abandon()
        if self._session is not None:
            abandon(self._session)

    def pools(self) -> Pools:
        """The connections to the agent; OSError where a file that TLS needs cannot be used."""
        pools, address = self._pools, self.address
        if pools is None or pools.address is not address:
            with self._lock:
                pools = self._pools
                if pools is None or pools.address is not address:
                    if pools is not None:
                        pools.close()
                    pools = self._pools = Pools(address, self.config)
        return pools

    @property
    def session(self) -> requests.Session:
        """The ``requests.Session`` that calls go through from now on, to be changed at will."""
        if self._session is None:
            session = requests.Session()
            # What the environment says of proxies and passwords is heeded already.
            session.trust_env = False
            for start in ("http://", "https://"):
                session.mount(start, Adapter(self.pools))
            if self.config.proxy is not None:
                session.proxies = {"http": self.config.proxy, "https": self.config.proxy}
            self._session = session
        return self._session

    def send(self, call: Call[T]) -> T:
        """Perform *call* and return its value; repeat it where its `consul.Retry` says so."""
        if self.watched:
            return self._finish(self.watching(call), self.attempt)
        began = time.monotonic()
        try:
            return self.attempt(call)
        except ConsulException as error:
            if not self.repeats(call, error):
                raise
            failure = error
        return self._finish(self.repeating(call, failure, began), self.attempt)

    def attempt(self, call: Call[T]) -> T:
        """Perform *call* once."""
        self.ready()
        if self._polls is None or call.request.hold is None:
            return self._exchanged(call)
        began = time.monotonic()
        if not self._polls.acquire(timeout=call.request.deadline):
            raise call.timed_out(Timeout)
        try:
            # It may have been closed meanwhile.
            self.ready()
            return self._exchanged(call.after(time.monotonic() - began))
        finally:
            self._polls.release()

    def _exchanged(self, call: Call[T]) -> T:
        try:
            # A proxy is requests' business.
            direct = self._session is None and self.config.proxy is None
            response = (self._directly if direct else self._with_session)(call.request)
        except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
            # All of requests' exceptions are OSErrors.
            causes = tuple(_causes(error))

            def has(kinds: tuple[type[BaseException], ...]) -> bool:
                return any(isinstance(cause, kinds) for cause in causes)

            # Without pools nothing can have been sent: a file is missing.
            refused = has(REFUSALS) or (self._pools is None and self.config.session is None)
            if has(CONNECT_TIMEOUTS) and not refused:
                raise call.timed_out(ConnectTimeout) from call.cause(error)
            if has(TIMEOUTS) and not refused:
                raise call.timed_out(Timeout) from call.cause(error)
            if isinstance(error, requests.exceptions.ContentDecodingError):
                raise call.failed(exceptions.BadAnswer, error) from call.cause(error)
            if has(TLS_ERRORS):
                raise call.failed(TLSError, error) from call.cause(error)
            failure = call.failed(ConnectionFailed, error)
            failure.sent = not refused
            raise failure from call.cause(error)
        return call.read(response)

    def _directly(self, request: Request) -> Response:
        pools = self.pools()
        reply = pools.pool.urlopen(
            request.method,
            pools.address.prefix + request.target,
            request.body,
            dict(request.headers),
            retries=NEVER,
            timeout=limits(request.connect, request.deadline),
            decode_content=False,
        )
        return Response(reply.status, reply.headers, reply.data)

    def _with_session(self, request: Request) -> Response:
        options: dict[str, Any] = {}
        if self.config.session is None:
            # For an adapter that was mounted instead of ours.
            verify = self.verify if isinstance(self.verify, (bool, str)) else True
            options = {"verify": verify, "cert": self.cert}
        reply = self.session.request(
            request.method,
            self.url(request),
            headers=dict(request.headers),
            data=request.body,
            timeout=(request.connect, request.deadline),
            allow_redirects=False,
            **options,
        )
        headers = lowered(reply.headers.items())
        # requests has decompressed the body.
        headers.pop("content-encoding", None)
        return Response(reply.status_code, headers, reply.content)

    def perform(self, send: Callable[[Call[Any]], Any], step: Step[Any]) -> Any:
        """Perform one step of a recipe."""
        if isinstance(step, Call):
            return send(step)
        if isinstance(step, Attempt):
            return self.attempt(step.call)
        if isinstance(step, Sleep):
            return time.sleep(step.seconds)
        return time.monotonic()

    def run(self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None) -> T:
        """Run a recipe to its end; *send* performs its calls, else `send` does."""
        return self._finish(steps, send or self.send)

    def _finish(self, steps: Steps[T], send: Callable[[Call[Any]], Any]) -> T:
        return drive_directly(steps, partial(self.perform, send))

    def close(self) -> None:
        """Close the connections; calls that are open in other threads fail."""
        self.closed = True
        if self._pools is not None:
            self._pools.close()
        if self._session is not None and self.config.session is None:
            self._session.close()


class Consul(Direct, Base):
    """The blocking client: each method returns its value.

    Arguments: see `consul.base.Client`; *session* is a ``requests.Session``.  Use it with
    ``with``, or ``close()`` it.
    """

    http: HTTPClient
    client_class = HTTPClient
