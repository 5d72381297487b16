"""TLS settings as plain values, and the ``ssl.SSLContext`` that every flavour makes of them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import ssl

    Verify = bool | str | ssl.SSLContext

#: File with certificate and key, (certificate, key), or (certificate, key or None, password).
Cert = str | tuple[str, str] | tuple[str, str | None, str] | None


class TLS(NamedTuple):
    """How a client checks the server and shows itself."""

    #: True for the system's authorities, a CA file or folder, False for no check at all, or a
    #: context, which then says everything but the name.
    verify: Verify = True
    cert: Cert = None
    #: Name to ask the server for (SNI) and to find in its certificate, instead of the host's.
    server_name: str | None = None

    def context(self) -> ssl.SSLContext:
        """An ``ssl.SSLContext`` of these settings; OSError when a file cannot be used."""
        import ssl

        if isinstance(self.verify, ssl.SSLContext):
            return self.verify
        if isinstance(self.verify, str):
            if os.path.isdir(self.verify):
                context = ssl.create_default_context(capath=self.verify)
            else:
                context = ssl.create_default_context(cafile=self.verify)
        else:
            context = ssl.create_default_context()
            if not self.verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
        # Agents offer HTTP/2 as well, which no flavour speaks.
        context.set_alpn_protocols(["http/1.1"])
        if self.cert is not None:
            file, key, password = _parts(self.cert)
            # A function: without a password OpenSSL would ask for one at the terminal.
            context.load_cert_chain(file, key, lambda: _password(password))
        return context

    def __repr__(self) -> str:
        # The password stays out of it.
        cert = self.cert if isinstance(self.cert, str) else (self.cert or (None,))[0]
        return f"TLS(verify={self.verify!r}, cert={cert!r}, server_name={self.server_name!r})"


def _parts(cert: str | tuple[Any, ...]) -> tuple[str, str | None, str | None]:
    """Certificate, key and password of *cert*."""
    if isinstance(cert, str):
        return cert, None, None
    return cert[0], cert[1], cert[2] if len(cert) > 2 else None


def _password(password: str | None) -> str:
    if password is None:
        raise ValueError("the key of cert is encrypted: give cert=(certificate, key, password)")
    return password


def check(verify: Any, cert: Any, server_name: Any) -> TLS:
    """The settings, once their types are right."""
    # A caller that has a context has imported `ssl`.  Importing it here would cost time.
    context = getattr(sys.modules.get("ssl"), "SSLContext", ())
    if not isinstance(verify, (bool, str, context)):
        raise TypeError(f"verify must be True, False, a path or an SSLContext, not {verify!r}")
    if verify == "":
        raise ValueError("verify must not be empty; say True or False, or name a CA file or folder")
    if isinstance(cert, (tuple, list)):
        cert = tuple(cert)
        if len(cert) not in (2, 3):
            raise ValueError("cert must be a path, (certificate, key) or (.., .., password)")
        if not isinstance(cert[0], str) or not all(isinstance(p, (str, type(None))) for p in cert):
            raise TypeError("cert must be a path, (certificate, key) or (.., .., password)")
    elif cert is not None and not isinstance(cert, str):
        raise TypeError(f"cert must be a path or (certificate, key), not {type(cert).__name__}")
    if cert is not None and isinstance(verify, context):
        raise ValueError("cert cannot be given beside an SSLContext: load it into the context")
    if server_name is not None and (not isinstance(server_name, str) or not server_name):
        raise TypeError(f"server_name must be a host name, not {server_name!r}")
    return TLS(verify, cert, server_name)
