"""The Twisted flavour, on the connections of `twisted.web.client`.

It does not use treq or Twisted's Agent: they parse and rebuild what is the same in each call, which
takes longer than the rest.  Importing this or making a client installs no reactor.  The first call
takes the installed reactor.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from consul import base
from consul.core.client import Fault
from consul.core.flavour import Deferring
from consul.core.lifecycle import ClosesAwaited
from consul.core.request import Request, Response
from consul.exceptions import ConnectionFailed, Timeout, TLSError

try:
    from OpenSSL import SSL
    from twisted.internet import error as errors
    from twisted.internet.defer import Deferred, inlineCallbacks

    from consul.transport.twisted.client import DeferredClient
    from consul.transport.twisted.connections import LEFT_TO_PARENT, Connections, fetch, innermost
    from consul.transport.twisted.streams import Opening, Reading, begin
    from consul.transport.twisted.tls import InsecureContextFactory
except ImportError as missing:
    raise ImportError(
        "consul.twisted needs Twisted with TLS: pip install 'python-consul[twisted]'"
    ) from missing

if TYPE_CHECKING:
    from consul.core.stream import Pace, Upload

__all__ = ["Consul", "HTTPClient", "InsecureContextFactory"]


def _is_of_tls(failure: BaseException) -> bool:
    # service_identity raises in a user's own client when the certificate is for another host.
    module = type(failure).__module__.partition(".")[0]
    return isinstance(failure, (SSL.Error, ssl.SSLError)) or module == "service_identity"


class HTTPClient(DeferredClient):
    """One agent, reached by a pool of connections that the first call makes."""

    #: Whether the reactor belongs to the process that this one was forked off.
    _left_to_parent = False

    def _set_up(self) -> None:
        if self.settings.proxy is not None:
            raise ValueError(
                "consul.twisted cannot use a proxy; when it is the environment that names one, "
                "pass trust_env=False to do without"
            )
        self._connections: Connections | None = None

    def _after_fork(self) -> None:
        super()._after_fork()
        # Both processes share what the reactor waits with: to end something here would end it
        # there.
        if self._connections is not None:
            self._left_to_parent = True
            LEFT_TO_PARENT.append(self._connections)

    def _refuse_if_closed(self) -> None:
        super()._refuse_if_closed()
        if self._left_to_parent:
            raise RuntimeError(
                "the reactor was in use before the fork: fork first, or start the process anew"
            )

    @property
    def connections(self) -> Connections:
        """The connections to the agent, by the installed reactor."""
        if self._connections is None:
            from twisted.internet import reactor

            self._connections = Connections(reactor, self.settings)
        return self._connections

    @property
    def reactor(self) -> Any:
        """The installed reactor."""
        return self.connections.reactor

    def exchange(self, request: Request) -> Deferred[Response]:
        """The answer of the server to *request*."""
        if self.settings.session is not None:
            return fetch(self.settings.session, self.reactor, self.url(request), request)
        return self.connections.exchange(self.settings.address, request)

    def open(self, request: Request, pace: Pace, upload: Upload | None) -> Deferred[Reading]:
        """The answer of the server to *request*, to be read part by part."""
        part = length = None
        if upload is not None:
            part, length = partial(self._next, upload), upload.length
        session, url = self.settings.session, self.url(request)
        if session is not None:
            return begin(session, self.reactor, url, request, pace, part, length)
        address = self.settings.address
        opening: Deferred[Any] = Opening(
            self.connections, address, request, pace, part, length
        ).finished
        return opening

    def _next(self, upload: Upload) -> Deferred[bytes]:
        return self._all(upload.part())

    def classify(self, error: BaseException) -> Fault:
        """What a failure of Twisted means."""
        if isinstance(error, errors.TimeoutError):
            return Fault(Timeout)
        found = innermost(error, _is_of_tls)
        if found is not None:
            return Fault(TLSError, cause=found.__cause__ or found)
        unconnected = isinstance(error, (errors.ConnectError, errors.DNSLookupError))
        # The innermost says more, without as many brackets.
        return Fault(ConnectionFailed, not unconnected, innermost(error))

    @inlineCallbacks
    def close(self) -> Generator[Any, Any, None]:
        """End the tasks, then the connections; the calls that use them fail."""
        yield self._end_tasks()
        if self._connections is not None and not self._left_to_parent:
            yield self._connections.close()


class Consul(ClosesAwaited, base.Consul[Deferring]):
    """The Twisted client: each method returns a Deferred.

    Arguments: see `consul.base.Consul`; *session* is a ``treq.client.HTTPClient``; there is no
    *proxy*.  Use it with ``async with``, or wait for `close`.
    """

    http: HTTPClient
    client_class = HTTPClient

    def close(self) -> Deferred[None]:
        """Close the connections; open calls fail, later ones raise `consul.Closed`."""
        return self.http.close()
