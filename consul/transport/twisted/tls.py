"""TLS by Python's ``ssl`` for Twisted, which uses pyOpenSSL.

So the settings mean what they mean to the other flavours, and an ``ssl.SSLContext`` can be used.

This relies on which methods of an ``OpenSSL.SSL.Connection`` Twisted calls: `Connection` has those
and no others.  ``tests/unit/test_private_parts.py`` reads Twisted's source for further ones.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

from OpenSSL import SSL
from twisted.internet import defer, error
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer  # type: ignore[import-untyped]

from consul.core.tls import TLS

__all__ = ["Creator", "Endpoint", "InsecureContextFactory"]


def _translated(failure: ssl.SSLError) -> SSL.Error:
    """*failure* in the form in which Twisted takes it apart."""
    if isinstance(failure, ssl.SSLWantReadError):
        return SSL.WantReadError()
    if isinstance(failure, ssl.SSLZeroReturnError):
        return SSL.ZeroReturnError()
    if isinstance(failure, ssl.SSLEOFError):
        return SSL.SysCallError(-1, "Unexpected EOF")
    return SSL.Error([("ssl", "", str(failure))])


class Connection:
    """What Twisted calls of an ``OpenSSL.SSL.Connection``, over an ``ssl.SSLObject``."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._received, self._sending = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._sending, server_hostname=name)
        self._shaken = False
        self._failure: Exception | None = None
        self._waiting: Deferred[None] | None = None

    def established(self, protocol: Any) -> Deferred[Any]:
        """*protocol*, which uses this connection, when the handshake is done."""
        if self._shaken:
            return defer.succeed(protocol)
        if self._failure is not None:
            return defer.fail(self._failure)

        def cancelled(_: Deferred[None]) -> None:
            self._waiting = None
            protocol.transport.abortConnection()

        self._waiting = Deferred(cancelled)
        return self._waiting.addCallback(lambda _: protocol)

    def _failed(self, failure: Exception) -> None:
        if self._shaken or self._failure is not None:
            return
        self._failure = failure
        if self._waiting is not None:
            self._waiting.errback(failure)

    def set_connect_state(self) -> None: ...

    def set_app_data(self, data: object) -> None: ...

    def get_alpn_proto_negotiated(self) -> bytes:
        return (self._tls.selected_alpn_protocol() or "").encode("ascii")

    def do_handshake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            raise SSL.WantReadError from None
        except ssl.SSLError as failure:
            self._failed(failure)
            raise _translated(failure) from failure
        self._shaken = True
        if self._waiting is not None:
            self._waiting.callback(None)

    def bio_write(self, data: bytes) -> int:
        return self._received.write(data)

    def bio_read(self, size: int) -> bytes:
        data = self._sending.read(size)
        if not data:
            raise SSL.WantReadError
        return data

    def bio_shutdown(self) -> None:
        self._received.write_eof()
        self._failed(error.ConnectionLost("during the TLS handshake"))

    def recv(self, size: int) -> bytes:
        try:
            data = self._tls.read(size)
        except ssl.SSLError as failure:
            raise _translated(failure) from failure
        if not data:
            raise SSL.ZeroReturnError
        return data

    def send(self, data: bytes) -> int:
        try:
            return self._tls.write(data)
        except ssl.SSLError as failure:
            raise _translated(failure) from failure

    def shutdown(self) -> bool:
        """Say that this side is done; True, for the connection not to wait for the other side."""
        # It is broken, was never there, or waits for the other side.
        with contextlib.suppress(OSError):
            self._tls.unwrap()
        return True


@implementer(IOpenSSLClientConnectionCreator)
class Creator:
    """Makes the TLS connections to a server of that *name*."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._context, self._name = context, name
        # Refuses settings that cannot be used; inside a connection the error would be lost.
        Connection(context, name)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        return Connection(self._context, self._name)


@implementer(IStreamClientEndpoint)
class Endpoint:
    """Connects to *endpoint* and speaks TLS there; it is connected once the handshake is done.

    Twisted's own is connected before that: the time for the handshake would not count, and what
    is wrong with it would look like a failure of the request.
    """

    def __init__(self, creator: Any, endpoint: Any) -> None:
        self._endpoint: Any = wrapClientTLS(creator, endpoint)

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        connecting: Deferred[Any] = self._endpoint.connect(protocolFactory)
        return connecting.addCallback(
            lambda protocol: protocol.transport.getHandle().established(protocol)
        )


@implementer(IPolicyForHTTPS)
class InsecureContextFactory:
    """A policy for https that checks nothing; for old code, nothing here uses it."""

    def creatorForNetloc(self, hostname: bytes, port: int) -> Creator:
        """What makes the TLS connections to *hostname*."""
        return Creator(TLS(verify=False).context(), hostname.decode("ascii"))
