"""The tokens that an agent itself uses, /v1/agent/token."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from consul.api.noun import Noun
from consul.api.options import WithDC
from consul.api.params import hidden
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Text, segment

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.request import Call


class AgentTokenWrite(WithDC, total=False):
    """Keywords of ``agent.token``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(TypedDict, total=False):
    secret: Text | None


_TOKEN = Fields(_Body, secret="Token")


class _Set:
    """`Token.set` for one type of token, by the name that py-consul has for it."""

    def __init__(self, token_type: str) -> None:
        self._token_type = token_type

    def __get__(self, noun: Any, kind: type | None = None) -> Any:
        return self if noun is None else partial(noun.set, self._token_type)


class Token(Noun[F]):
    """The tokens that an agent itself uses, /v1/agent/token.

    The agent forgets them when it ends, unless it has ``enable_token_persistence``.
    """

    set_agent: Any = _Set("agent")
    set_agent_recovery: Any = _Set("agent_recovery")
    set_config_file_service_registration: Any = _Set("config_file_service_registration")
    set_default: Any = _Set("default")
    set_replication: Any = _Set("replication")

    @endpoint("PUT /v1/agent/token/:token_type", repeatable=True)
    def set(
        self,
        token_type: Text,
        secret: Text,
        token: Text | None = None,
        **options: Unpack[AgentTokenWrite],
    ) -> Call[bool]:
        """Set one of the tokens of the agent to *secret*, "" for none.  Return True.

        *token_type* is "default", "agent", "replication", "agent_recovery" (1.11; before
        "agent_master"), "config_file_service_registration" (1.15) or "dns" (newer).

        Raises NotFound for another type, ACLDisabled where ACLs are off, ACLPermissionDenied where
        *token* may not write the agent.

        ``PUT /v1/agent/token/:token_type``
        """
        given = {"secret": secret, **options}
        path = f"/v1/agent/token/{segment('token_type', token_type)}"
        return self._write(
            "set",
            path,
            answers.done,
            _TOKEN,
            given,
            token=token,
            secrets=hidden("secret", secret),
        )
