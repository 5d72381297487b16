"""Client for Consul's HTTP API.

`consul.Consul` is the blocking client; `consul.threads`, `consul.aio`, `consul.tornado` and
`consul.twisted` have the same one for futures, asyncio, Tornado and Twisted.  Modules are loaded
when they are first used, so that importing one flavour imports no other's library.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from consul.version import __version__ as __version__

if TYPE_CHECKING:
    from consul import aio as aio
    from consul import base as base
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
        ConnectionFailed,
        ConsulException,
        NoLeader,
        NotFound,
        RateLimited,
        Redirected,
        ServerError,
        Timeout,
        TLSError,
        TransactionRolledBack,
    )
    from consul.std import Consul

__all__ = [
    "ACLDisabled",
    "ACLPermissionDenied",
    "BadAnswer",
    "BadRequest",
    "Check",
    "ClientError",
    "ConnectionFailed",
    "Consul",
    "ConsulException",
    "NoLeader",
    "NotFound",
    "RateLimited",
    "Redirected",
    "Retry",
    "ServerError",
    "TLSError",
    "Timeout",
    "TransactionRolledBack",
]

_HOMES = {"Consul": "consul.std", "Check": "consul.check", "Retry": "consul.retry"}
_MODULES = frozenset(
    (
        "aio",
        "api",
        "base",
        "callback",
        "check",
        "exceptions",
        "std",
        "threads",
        "tornado",
        "twisted",
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
    return sorted({*globals(), *__all__, *_MODULES})


def _warn_of_peers(folder: str) -> None:
    """Warn when *folder* has a distribution that puts other files into the same package."""
    if not os.path.isdir(folder):
        # In a zip file there is nothing to overwrite.
        return
    peers = sorted(
        entry.partition(".dist-info")[0]
        for entry in os.listdir(folder)
        if entry.endswith(".dist-info")
        and entry.startswith(
            ("python_consul2-", "py_consul-", "python_consul-0.", "python_consul-1.")
        )
    )
    if peers:
        import warnings

        warnings.warn(
            f"{', '.join(peers)} is installed beside python-consul {__version__} and owns the same "
            "package folder, consul/; uninstall both, then install python-consul again",
            stacklevel=3,
        )


_warn_of_peers(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
