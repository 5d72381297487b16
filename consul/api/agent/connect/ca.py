"""Certificates for the proxies of an agent, /v1/agent/connect/ca."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NotRequired, TypedDict

from consul.api.connect.ca import CARootList
from consul.api.noun import Noun
from consul.api.options import Blocking, Refreshed, RefreshedRead, WithDC
from consul.core import answers
from consul.core.bodies import texts
from consul.core.flavour import F, endpoint
from consul.core.values import Text, segment

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class LeafCert(TypedDict):
    """The certificate of a service, with its key."""

    SerialNumber: str
    #: PEM.
    CertPEM: str
    #: PEM; a secret.
    PrivateKeyPEM: str
    Service: str
    ServiceURI: str
    ValidAfter: str
    ValidBefore: str
    Kind: NotRequired[str]
    KindURI: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class LeafRead(WithDC, Blocking, Refreshed, total=False):
    """Keywords of ``agent.connect.ca.leaf``."""


class CA(Noun[F]):
    """Certificates for the proxies of an agent, /v1/agent/connect/ca, from its cache."""

    @endpoint("GET /v1/agent/connect/ca/roots")
    def roots(self, **options: Unpack[RefreshedRead]) -> Call[Indexed[CARootList]]:
        """Read the root certificates: (index, roots).

        ``GET /v1/agent/connect/ca/roots``
        """
        return self._read("roots", "/v1/agent/connect/ca/roots", answers.indexed, (), options)

    @endpoint("GET /v1/agent/connect/ca/leaf/:service")
    def leaf(
        self,
        service: Text,
        token: Text | None = None,
        *,
        dns_san: Iterable[Text] | None = None,
        ip_san: Iterable[Text] | None = None,
        **options: Unpack[LeafRead],
    ) -> Call[Indexed[LeafCert]]:
        """Make or read the certificate of a service, with its key: (index, certificate).

        The service need not be registered.  *dns_san* and *ip_san* are further names in the
        certificate.  To have it renewed in time, block on it.

        Raises ACLPermissionDenied where *token* lacks ``service:write``; an agent that has the
        certificate in its cache gives it to any token.

        ``GET /v1/agent/connect/ca/leaf/:service``
        """
        path = f"/v1/agent/connect/ca/leaf/{segment('service', service)}"
        params = [("dns-san", each) for each in texts("dns_san", dns_san or ())]
        params += [("ip-san", each) for each in texts("ip_san", ip_san or ())]
        return self._call("leaf", path, answers.indexed, params, options, token=token)
