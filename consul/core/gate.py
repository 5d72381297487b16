"""Keywords that a server would ignore in silence, and so give a wrong answer.

An old server that does not know ``filter`` answers everything.  So its version is read first, once
for each client, where the token may read it.
"""

from __future__ import annotations

import re
from typing import Any

from consul.core import answers
from consul.core.request import Call
from consul.core.steps import Steps
from consul.exceptions import ACLPermissionDenied, ConsulException, NotFound, Unsupported

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")

#: Of a server that does not let its version be read.
UNREADABLE = ""


def numbers(version: str) -> tuple[int, ...] | None:
    """*version*, like "1.22.7" or "1.18.1+ent", as numbers; None for another text."""
    found = _VERSION.match(version)
    return None if found is None else tuple(int(part or 0) for part in found.groups())


def question(call: Call[Any]) -> Call[Any]:
    """The call that asks the agent of *call* for its version, with the same token."""
    asked = call.request._replace(
        method="GET", path="/v1/agent/self", params=(), body=None, hold=None
    )
    return Call(asked, answers.value)


async def version(asking: Steps[Any]) -> str | None:
    """The version that the answer to `question` has; None where it is to be asked again."""
    try:
        return str((await asking)["Config"]["Version"])
    except (ACLPermissionDenied, NotFound, *answers.MISSHAPEN):
        return UNREADABLE
    except ConsulException:
        # The call itself will say what is wrong.
        return None


def refusal(call: Call[Any], version: str | None) -> Unsupported | None:
    """The error for a keyword of *call* that a server of *version* ignores; None without one."""
    known, route = numbers(version or UNREADABLE), call.route
    if known is None or route is None:
        return None
    for name, since in route.ignores.items():
        if known < (numbers(since) or ()) and any(name == sent for sent, _ in call.request.params):
            return Unsupported(f"Consul {version} ignores {name} here, which needs Consul {since}")
    return None
