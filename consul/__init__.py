"""Client for Consul's HTTP API.

`consul.Consul` is the blocking client; `consul.threads`, `consul.aio`, `consul.tornado` and
`consul.twisted` have the same one for futures, asyncio, Tornado and Twisted.  Modules are loaded
when they are first used, so that importing one flavour imports no other's library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from consul.version import __version__ as __version__

if TYPE_CHECKING:
    from consul import aio as aio
    from consul import base as base
    from consul import definitions as definitions
    from consul import std as std
    from consul import threads as threads
    from consul import tornado as tornado
    from consul import twisted as twisted
    from consul.check import Check
    from consul.core.retry import Retry
    from consul.exceptions import (
        ACLDisabled,
        ACLPermissionDenied,
        BadAnswer,
        BadRequest,
        ClientError,
        Closed,
        ConnectionFailed,
        ConsulException,
        InvalidSession,
        LockConflict,
        LockLost,
        LockNotAcquired,
        NoInstance,
        NoLeader,
        NotFound,
        NotReady,
        RateLimited,
        Redirected,
        ServerError,
        Timeout,
        TLSError,
        TransactionRolledBack,
        UnknownACL,
        UnknownCheck,
        UnknownQuery,
        UnknownService,
        Unsupported,
    )
    from consul.std import Consul

__all__ = [
    "ACLDisabled",
    "ACLPermissionDenied",
    "BadAnswer",
    "BadRequest",
    "Check",
    "ClientError",
    "Closed",
    "ConnectionFailed",
    "Consul",
    "ConsulException",
    "InvalidSession",
    "LockConflict",
    "LockLost",
    "LockNotAcquired",
    "NoInstance",
    "NoLeader",
    "NotFound",
    "NotReady",
    "RateLimited",
    "Redirected",
    "Retry",
    "ServerError",
    "TLSError",
    "Timeout",
    "TransactionRolledBack",
    "UnknownACL",
    "UnknownCheck",
    "UnknownQuery",
    "UnknownService",
    "Unsupported",
]

_HOMES = {"Consul": "consul.std", "Check": "consul.check", "Retry": "consul.retry"}
_MODULES = frozenset(
    (
        "aio",
        "api",
        "base",
        "callback",
        "check",
        "definitions",
        "exceptions",
        "exchange",
        "request",
        "retry",
        "std",
        "threads",
        "tornado",
        "twisted",
        "types",
    )
)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"consul.{name}")
    if name in __all__:
        value = getattr(import_module(_HOMES.get(name, "consul.exceptions")), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'consul' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, "__version__"})
