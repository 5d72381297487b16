"""TLS settings as Twisted takes them; the other flavours need no more than ``TLS.context()``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL
from twisted.internet import ssl
from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from consul.config import TLS

__all__ = ["ContextFactory", "InsecureContextFactory"]


@implementer(IPolicyForHTTPS)
class ContextFactory:
    """Checks servers and shows a client certificate as *tls* says.

    pyOpenSSL loads the files, so they mean what they mean to the other flavours; the classes that
    Twisted has for certificates know no folders and one certificate per file.
    """

    def __init__(self, tls: TLS) -> None:
        # Twisted would find out within the connection, and leave the caller waiting.
        cert = (tls.cert,) if isinstance(tls.cert, str) else tls.cert or ()
        for path in (tls.verify, *cert):
            if isinstance(path, str):
                os.stat(path)
        _Files(tls)._addCACertsToContext(SSL.Context(SSL.TLS_CLIENT_METHOD))
        self.tls = tls
        self._creators: dict[bytes, Any] = {}

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """What makes the TLS connections to *hostname*."""
        if hostname not in self._creators:
            self._creators[hostname] = self.creator(hostname.decode("ascii"))
        return self._creators[hostname]

    def creator(self, hostname: str) -> Any:
        """The same, made anew."""
        roots: Any = _Files(self.tls)
        return ssl.optionsForClientTLS(hostname, trustRoot=roots)


@implementer(IOpenSSLTrustRoot)
class _Files:
    """Puts authorities and client certificate into a context that Twisted makes."""

    def __init__(self, tls: TLS) -> None:
        self.tls = tls

    def _addCACertsToContext(self, context: Any) -> None:
        verify, cert = self.tls
        if verify is True:
            context.set_default_verify_paths()
        elif isinstance(verify, str):
            where = (None, verify) if os.path.isdir(verify) else (verify,)
            context.load_verify_locations(*where)
        if cert is not None:
            file, key = (cert, cert) if isinstance(cert, str) else cert
            context.use_certificate_chain_file(file)
            context.use_privatekey_file(key)


class InsecureContextFactory(ContextFactory):
    """Takes every server for the right one: ``verify=False``."""

    def creator(self, hostname: str) -> Any:
        """What makes the TLS connections to *hostname*."""
        context = ssl.CertificateOptions(verify=False).getContext()
        _Files(self.tls)._addCACertsToContext(context)
        return _Unchecked(hostname, context)


@implementer(IOpenSSLClientConnectionCreator)
class _Unchecked:
    def __init__(self, hostname: str, context: Any) -> None:
        self.hostname, self.context = hostname, context

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        connection = SSL.Connection(self.context, None)
        if not (isIPAddress(self.hostname) or isIPv6Address(self.hostname)):
            connection.set_tlsext_host_name(self.hostname.encode("ascii"))
        return connection
