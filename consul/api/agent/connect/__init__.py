"""The service mesh, as an agent serves it to proxies, /v1/agent/connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from consul.api.agent.connect.ca import CA as _CA
from consul.api.noun import Noun, lazy, renamed
from consul.api.options import Refreshed, WithDC
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Text

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.request import Call


class AgentAuthorize(TypedDict):
    """Whether a client may connect."""

    Authorized: bool
    Reason: str


class AgentAuthorizeRead(WithDC, Refreshed, total=False):
    """Keywords of ``agent.connect.authorize``."""


class _Body(TypedDict, total=False):
    target: Text | None
    client_cert_uri: Text | None
    client_cert_serial: Text | None


_AUTHORIZE = Fields(_Body)


class Connect(Noun[F]):
    """The service mesh, as an agent serves it to proxies, /v1/agent/connect."""

    CA: TypeAlias = _CA

    ca: _CA[F] = lazy("CA")
    # python-consul2's names.
    leaf_certificates: Any = renamed("ca.leaf")
    root_certificates: Any = renamed("ca.roots")

    @endpoint("POST /v1/agent/connect/authorize", repeatable=True)
    def authorize(
        self,
        target: Text,
        client_cert_uri: Text,
        client_cert_serial: Text,
        token: Text | None = None,
        **options: Unpack[AgentAuthorizeRead],
    ) -> Call[AgentAuthorize]:
        """Whether the client with this certificate may connect to the service *target*.

        An intention with permissions counts as no.

        Raises BadRequest for a *client_cert_uri* that no service of the mesh has,
        ACLPermissionDenied where *token* lacks ``service:write`` for *target*.

        ``POST /v1/agent/connect/authorize``
        """
        given = {
            "target": target,
            "client_cert_uri": client_cert_uri,
            "client_cert_serial": client_cert_serial,
            **options,
        }
        path = "/v1/agent/connect/authorize"
        return self._write("authorize", path, answers.value, _AUTHORIZE, given, token=token)
