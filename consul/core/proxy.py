"""Proxies and passwords from the environment, which do not apply to an agent on this machine.

Unless asked, that is: an agent on the loopback interface or behind a unix socket is the usual
one, and a proxy cannot reach it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from consul.core.address import Address


def environment_counts(address: Address, trust_env: bool | None) -> bool:
    """Whether the environment counts; *trust_env* None leaves it to the address."""
    return not address.local if trust_env is None else trust_env and address.socket is None


def check(proxy: object) -> str:
    """*proxy*, an absolute URL."""
    if not isinstance(proxy, str):
        raise TypeError(f"proxy must be a URL, not {type(proxy).__name__}")
    try:
        parts = urlsplit(proxy)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        # Not shown: it may have a password.
        raise ValueError("proxy must be a URL like http://proxy.example:3128")
    return proxy


def from_environment(address: Address, environ: Mapping[str, str]) -> str | None:
    """The proxy that ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy`` ask for."""
    proxies = {}
    # Lower case wins, so it comes last.
    for name in sorted(environ, key=str.islower):
        if name.lower().endswith("_proxy") and environ[name]:
            proxies[name.lower().removesuffix("_proxy")] = environ[name]
    if "REQUEST_METHOD" in environ and "http_proxy" not in environ:
        # In a CGI program that is a header of the client's.
        proxies.pop("http", None)
    if not proxies:
        return None
    # Loaded where it is needed only: it costs as much as all of this package.
    from urllib import request

    # typeshed does not know this one, which takes the variables alone on every system.
    bypass = request.proxy_bypass_environment  # type: ignore[attr-defined]
    if bypass(f"{address.host}:{address.port}", proxies):
        return None
    found = proxies.get(address.scheme) or proxies.get("all")
    if not found:
        return None
    if "://" not in found:
        found = f"http://{found}"
    try:
        return check(found)
    except ValueError:
        raise ValueError(
            f"{address.scheme}_proxy must be a URL like http://proxy.example:3128"
        ) from None


def from_netrc(address: Address, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """User and password for the host in ``NETRC``, ``~/.netrc`` or ``~/_netrc``, like requests."""
    named = environ.get("NETRC")
    for path in (named,) if named else ("~/.netrc", "~/_netrc"):
        file = os.path.expanduser(path)
        if os.path.exists(file):
            break
    else:
        return None
    import netrc

    try:
        found = netrc.netrc(file).authenticators(address.host)
    except (netrc.NetrcParseError, OSError, UnicodeDecodeError):
        return None
    if found is None:
        return None
    user, account, password = found
    return user or account or "", password or ""


def secrets(proxy: str | None) -> tuple[str, ...]:
    """What of *proxy* must not be shown."""
    password = urlsplit(proxy or "").password
    return (password, unquote(password)) if password else ()
