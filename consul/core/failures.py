"""Failures of connections: told in the same words in every flavour, and caught as before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from errno import ECONNRESET
from functools import lru_cache
from typing import Any, TypeVar

from consul.exceptions import ConsulException

E = TypeVar("E", bound=ConsulException)

PACKAGE = __name__.partition(".")[0]

#: Classes of the HTTP libraries that mean: the other side has closed the connection.
_CLOSED = frozenset(
    (
        "ConnectionDone",
        "ContentLengthError",
        "IncompleteRead",
        "RemoteDisconnected",
        "SSLEOFError",
        "SSLZeroReturnError",
        "ServerDisconnectedError",
        "StreamClosedError",
    )
)
#: Classes that mean: the name of the host has no address.
_UNRESOLVED = frozenset(
    ("ClientConnectorDNSError", "DNSLookupError", "NameResolutionError", "gaierror")
)
#: Texts of OpenSSL for an answer that is not TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "wrong version number", "RECORD_LAYER_FAILURE")


def causes(error: BaseException) -> Iterator[BaseException]:
    """*error* and all that it wraps, in whatever way its library does it."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        found = pending.pop(0)
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            pending += (
                *found.args,
                found.__cause__,
                *(getattr(found, name, None) for name in ("reason", "os_error", "real_error")),
                *(getattr(each, "value", None) for each in getattr(found, "reasons", None) or ()),
            )


def forget_frames(error: BaseException) -> None:
    """Drop the tracebacks of *error* and of what it wraps.

    Reports of errors show the variables of each frame.  In those of the HTTP libraries are the
    headers of the request, and among them the token.
    """
    pending, seen = [*causes(error)], set[int]()
    while pending:
        found = pending.pop()
        found.__traceback__ = None
        seen.add(id(found))
        if found.__context__ is not None and id(found.__context__) not in seen:
            pending += causes(found.__context__)


def reason(error: BaseException) -> str:
    """What has happened to the connection, as *error* says it."""
    found = list(causes(error))
    names = {type(each).__name__ for each in found}
    if names & _UNRESOLVED:
        return "the name has no address"
    for each in found:
        # Twisted keeps the number apart.
        number = getattr(each, "errno", None) or getattr(each, "osError", None)
        if isinstance(number, int) and number > 0 and "SSL" not in type(each).__name__:
            return os.strerror(number)
    if "ConnectionLost" in names:
        # Twisted's, for a connection that did not end in the ordinary way.
        return os.strerror(ECONNRESET)
    if names & _CLOSED:
        return "closed by the server"
    last = found[-1]
    return f"{type(last).__name__}: {last}".removesuffix(": ")


def tls_reason(error: BaseException) -> str:
    """What was wrong with TLS, as Python's ``ssl`` says it where that is known."""
    found = [each for each in causes(error) if type(each).__module__ in ("ssl", "_ssl")]
    return str(found[-1] if found else error)


def speaks_no_tls(error: BaseException) -> bool:
    """Whether *error* means that the server does not speak TLS on this port."""
    return any(text in str(each) for each in causes(error) for text in _NOT_TLS)


#: Attributes of other libraries' exceptions that ours have as well.  Others may hold the request.
KEPT_OF_CAUSE = ("_conn_key", "_os_error", "errno", "osError", "real_error", "strerror")


@lru_cache(128)
def _like(kind: Any, other: Any) -> Any:
    return kind if other.__module__.partition(".")[0] == PACKAGE else both(kind, other)


@lru_cache(128)
def both(kind: Any, other: Any) -> Any:
    """A class of exceptions that is *kind* and *other* in one, as far as that can be."""
    if issubclass(kind, other):
        return kind
    try:
        made: type[Any] = type(
            kind.__name__, (kind, other), {"made_by_like": True, "__doc__": kind.__doc__}
        )
    except TypeError:
        # The two cannot be combined.
        return kind
    made.__module__, made.__qualname__ = kind.__module__, kind.__qualname__
    return made


def like(kind: type[E], cause: BaseException, text: str) -> E:
    """An error of *kind* which is of the class of *cause* as well, and says *text*.

    So a program that catches its HTTP library's own exceptions catches ours.
    """
    made: Any = _like(kind, type(cause))  # type: ignore[arg-type]
    # Not called: the other class may want other arguments.
    error: Any = made.__new__(made, text)
    error.args = (text,)
    if made is not kind:
        for name in KEPT_OF_CAUSE:
            if getattr(cause, name, None) is not None:
                setattr(error, name, getattr(cause, name))
    return error  # type: ignore[no-any-return]
