"""The certificate authority of the mesh, /v1/connect/ca."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Blocking, Consistency, WithDC
from consul.core import answers
from consul.core.bodies import mapped, opaque
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Flag, Text, flag

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.flavour import variants
    from consul.core.request import Call


class CARoot(TypedDict):
    """A root certificate."""

    ID: str
    Name: str
    SerialNumber: int
    SigningKeyID: str
    ExternalTrustDomain: NotRequired[str]
    NotBefore: str
    NotAfter: str
    #: PEM.
    RootCert: str
    IntermediateCerts: list[str] | None
    #: Whether new certificates are signed with it.
    Active: bool
    PrivateKeyType: NotRequired[str]
    PrivateKeyBits: NotRequired[int]
    CreateIndex: int
    ModifyIndex: int


class CARootList(TypedDict):
    """The root certificates that the mesh trusts."""

    ActiveRootID: str
    TrustDomain: str
    Roots: list[CARoot]


class CAConfig(TypedDict):
    """How the certificates of the mesh are signed."""

    #: "consul", "vault" or "aws-pca".
    Provider: str
    #: Its keys depend on the provider.  It may have private keys.
    Config: dict[str, Any]
    State: NotRequired[dict[str, str] | None]
    ForceWithoutCrossSigning: NotRequired[bool]
    CreateIndex: int
    ModifyIndex: int


class CARootsRead(WithDC, Consistency, Blocking, total=False):
    """Keywords of ``connect.ca.roots``."""


class CAConfigRead(WithDC, Consistency, total=False):
    """Keywords of ``connect.ca.configuration``."""


class CAConfigWrite(WithDC, total=False):
    """Keywords of ``connect.ca.set_configuration``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Config(TypedDict, total=False):
    provider: Text | None
    config: Mapping[str, Any] | None
    force_without_cross_signing: Flag


_CONFIG = Fields(_Config, kinds={"config": mapped(opaque)})

if TYPE_CHECKING:
    # What `CA.roots` answers depends on pem.

    def _parsed(
        noun: Any,
        pem: Literal[False] = False,
        token: Text | None = None,
        **options: Unpack[CARootsRead],
    ) -> Call[Indexed[CARootList]]: ...

    def _pem(
        noun: Any,
        pem: Literal[True],
        token: Text | None = None,
        **options: Unpack[CARootsRead],
    ) -> Call[Indexed[str]]: ...

    def _either(
        noun: Any,
        pem: Flag = False,
        token: Text | None = None,
        **options: Unpack[CARootsRead],
    ) -> Call[Indexed[CARootList | str]]: ...

    _typed_roots = variants(_parsed, _pem, _parsed, _pem, _either)
else:

    def _typed_roots(roots: Callable[..., Any]) -> Callable[..., Any]:
        return roots


class CA(Noun[F]):
    """The certificate authority of the mesh, /v1/connect/ca."""

    @_typed_roots
    @endpoint("GET /v1/connect/ca/roots")
    def roots(
        self, pem: Flag = False, token: Text | None = None, **options: Unpack[CARootsRead]
    ) -> Call[Indexed[Any]]:
        """Read the root certificates, from the servers: (index, roots).

        With *pem* it is (None, text), all certificates as PEM (1.9).  ``client.agent.connect.ca``
        answers from the cache of the agent.

        ``GET /v1/connect/ca/roots``
        """
        wanted = flag("pem", pem)
        decode: Callable[[Any], Any] = answers.indexed_text if wanted else answers.indexed
        params = (("pem", "true" if wanted else None),)
        path = "/v1/connect/ca/roots"
        return self._read("roots", path, decode, params, options, token=token)

    @endpoint("GET /v1/connect/ca/configuration")
    def configuration(
        self, token: Text | None = None, **options: Unpack[CAConfigRead]
    ) -> Call[CAConfig]:
        """Read how certificates are signed.  The answer may have private keys.

        Raises ACLPermissionDenied where *token* lacks ``operator:write``, before Consul 1.8.6
        ``operator:read``.

        ``GET /v1/connect/ca/configuration``
        """
        path = "/v1/connect/ca/configuration"
        return self._read("configuration", path, answers.value, (), options, token=token)

    @endpoint("PUT /v1/connect/ca/configuration", repeatable=True)
    def set_configuration(
        self,
        provider: Text,
        config: Mapping[str, Any],
        force_without_cross_signing: Flag = None,
        token: Text | None = None,
        **options: Unpack[CAConfigWrite],
    ) -> Call[bool]:
        """Change how certificates are signed, which may change the root.  Return True.

        *provider* is "consul", "vault" or "aws-pca".  The keys of *config* depend on it.

        Raises ACLPermissionDenied where *token* lacks ``operator:write``, ServerError for an
        unknown provider.

        ``PUT /v1/connect/ca/configuration``
        """
        given = {
            "provider": provider,
            "config": config,
            "force_without_cross_signing": force_without_cross_signing,
            **options,
        }
        path = "/v1/connect/ca/configuration"
        return self._write("set_configuration", path, answers.done, _CONFIG, given, token=token)

    # py-consul's name.
    update_configuration = set_configuration
