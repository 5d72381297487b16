"""Whether a client can work: the agent, the leader and the token, told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from consul.core.steps import Now
from consul.core.values import seconds
from consul.exceptions import (
    ACLDisabled,
    ACLPermissionDenied,
    ConsulException,
    NoLeader,
    NotFound,
)

if TYPE_CHECKING:
    from consul.core.steps import Steps


class Ping(NamedTuple):
    """What `consul.base.Consul.ping` has found.  It is true when nothing is wrong.

    Each is True or False, None where it could not be told.
    """

    #: Whether the agent answers.
    agent: bool
    #: Whether the cluster has a leader.
    leader: bool | None
    #: Whether the servers know the token; True as well where ACLs are off or there is no token.
    token: bool | None
    #: What was raised first; None when nothing was.
    error: ConsulException | None

    def __bool__(self) -> bool:
        return bool(self.agent and self.leader and self.token)

    def __repr__(self) -> str:
        return f"<Ping agent={self.agent} leader={self.leader} token={self.token}>"


async def _ping(api: Any, limit: float) -> Ping:
    end = await Now() + limit
    try:
        leader = bool(await api.status.leader().within(limit))
    except NoLeader as error:
        return Ping(True, False, None, error)
    except ConsulException as error:
        # An agent that answers, whatever it says, is there.
        return Ping(error.status is not None, None, None, error)
    if not leader:
        return Ping(True, False, None, NoLeader("the cluster has no leader"))
    if api.settings.token is None:
        return Ping(True, True, True, None)
    try:
        left = max(0.001, end - await Now())
        await api.acl.token.self().within(left)
    except (ACLDisabled, NotFound):
        # ACLs are off; a 404 is that of Consul before 1.4.
        return Ping(True, True, True, None)
    except ACLPermissionDenied as error:
        return Ping(True, True, False, error)
    except NoLeader as error:
        return Ping(True, False, None, error)
    except ConsulException as error:
        return Ping(True, True, None, error)
    return Ping(True, True, True, None)


def ping(api: Any, timeout: float | str) -> Steps[Ping]:
    """The steps of `consul.base.Consul.ping`; *api* describes the calls."""
    return _ping(api, seconds("timeout", timeout))
