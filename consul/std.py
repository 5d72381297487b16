"""The blocking flavour, on requests; under gevent's monkey-patching it is a cooperative one."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import requests
import urllib3

from consul import base, exceptions
from consul.core.client import Fault, Unsent
from consul.core.flavour import Direct
from consul.core.lifecycle import ClosesDirectly
from consul.core.request import Request, Response
from consul.transport.blocking.client import BlockingClient
from consul.transport.blocking.connections import Connections, begin, fetch, limits, this_thread
from consul.transport.blocking.streams import Reading, ReadingOfSession, sending

if TYPE_CHECKING:
    from consul.core.stream import Pace, Upload

__all__ = ["Consul", "HTTPClient"]


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


class HTTPClient(BlockingClient):
    """One agent, reached by urllib3's connections as requests uses them.

    What requests does for each call on top of them takes longer than all the rest.  A program that
    takes *session* to change it, or that gives one, gets all of requests.
    """

    # Programs catch requests' exceptions, which ours are; urllib3's are beneath those.
    like_library = False
    timeout_class = Timeout
    failures = (OSError, urllib3.exceptions.HTTPError, ValueError, Unsent)

    def _set_up(self) -> None:
        self._connections = Connections(self.settings)

    def _after_fork(self) -> None:
        super()._after_fork()
        self._connections.after_fork()

    @property
    def session(self) -> requests.Session:
        """The ``requests.Session`` that calls go through from now on, to be changed at will."""
        return self._connections.make_session(
            lambda: self._connections.pools_to(self.settings.address)
        )

    def exchange(self, request: Request) -> Response:
        """The answer of the server to *request*."""
        this_thread.deadline = request.deadline
        try:
            if self._connections.session is not None or self.settings.proxy is not None:
                return fetch(self.session, self.url(request), request, self.settings)
            address = self.settings.address
            reply = self._connections.pools_to(address).pool.urlopen(
                request.method,
                address.prefix + request.target,
                request.body,
                dict(request.headers),
                retries=NEVER,
                timeout=limits(request.connect, request.deadline),
                decode_content=False,
            )
            return Response(reply.status, reply.headers, reply.data)
        finally:
            this_thread.deadline = None

    def open(
        self, request: Request, pace: Pace, upload: Upload | None
    ) -> Reading | ReadingOfSession:
        """The answer of the server to *request*, to be read part by part."""
        body = None
        if upload is not None:
            body = sending(partial(self._all, upload.part), upload.length)
        limit = this_thread.deadline = pace.left()
        this_thread.pace = pace.left
        try:
            if self._connections.session is not None or self.settings.proxy is not None:
                url, settings = self.url(request), self.settings
                return ReadingOfSession(begin(self.session, url, request, body, limit, settings))
            address = self.settings.address
            pools = self._connections.pools_to(address)
            # With a connection of its own: an upload cannot always be repeated, as it would have to
            # be after a kept connection was dropped.
            reply = pools.made(1).urlopen(
                request.method,
                address.prefix + request.target,
                body,
                dict(request.headers),
                retries=NEVER,
                timeout=limits(request.connect, limit),
                preload_content=False,
                decode_content=False,
            )
            reading = Reading(reply)
            pools.opens(reading)
            return reading
        finally:
            this_thread.deadline = this_thread.pace = None

    def classify(self, error: BaseException) -> Fault:
        """What a failure of requests or urllib3 means."""
        causes = tuple(_causes(error))

        def has(kinds: tuple[type[BaseException], ...]) -> bool:
            return any(isinstance(cause, kinds) for cause in causes)

        refused = has(REFUSALS)
        if has(CONNECT_TIMEOUTS) and not refused:
            return Fault(ConnectTimeout)
        if has(TIMEOUTS) and not refused:
            return Fault(Timeout)
        if isinstance(error, requests.exceptions.ContentDecodingError):
            return Fault(exceptions.BadAnswer)
        return Fault(TLSError) if has(TLS_ERRORS) else Fault(ConnectionFailed, not refused)

    def close(self) -> None:
        """End the tasks, then the connections; calls that are open in other threads fail."""
        self._end_tasks()
        self._connections.close()


class Consul(ClosesDirectly, base.Consul[Direct]):
    """The blocking client: each method returns its value.

    Arguments: see `consul.base.Consul`; *session* is a ``requests.Session``.  Use it with
    ``with``, or ``close()`` it.
    """

    http: HTTPClient
    client_class = HTTPClient
