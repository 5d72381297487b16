"""The licence of Consul Enterprise, /v1/operator/license."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Scope, ServerRead
from consul.api.params import hidden
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.values import body_bytes

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.request import Call


class ConsulLicense(TypedDict, total=False):
    """A licence."""

    license_id: str
    customer_id: str
    installation_id: str
    issue_time: str
    start_time: str
    expiration_time: str
    termination_time: str
    product: str
    #: What is allowed; it depends on the product.
    flags: dict[str, Any]
    modules: list[str]
    features: list[str]
    temporary: bool


class LicenseReply(TypedDict):
    """The licence, and whether it is valid."""

    Valid: bool
    License: ConsulLicense | None
    Warnings: list[str] | None
    Message: NotRequired[str]


class License(Noun[F]):
    """The licence of Consul Enterprise, /v1/operator/license.  Consul CE raises NotFound."""

    @endpoint("GET /v1/operator/license")
    def get(self, **options: Unpack[ServerRead]) -> Call[LicenseReply]:
        """Read the licence.

        ``GET /v1/operator/license``
        """
        return self._read("get", "/v1/operator/license", answers.value, (), options)

    @endpoint("PUT /v1/operator/license", repeatable=True, removed="1.10.0")
    def put(self, license: str | bytes, **options: Unpack[Scope]) -> Call[LicenseReply]:
        """Set the licence; since Consul 1.10 it comes from a file or the environment.

        ``PUT /v1/operator/license``
        """
        body = body_bytes("license", license)
        secrets = hidden("license", body.decode("utf-8", "replace"))
        path = "/v1/operator/license"
        return self._call("put", path, answers.value, (), options, body=body, secrets=secrets)

    @endpoint("DELETE /v1/operator/license", repeatable=True, removed="1.10.0")
    def reset(self, **options: Unpack[Scope]) -> Call[LicenseReply]:
        """Go back to the licence that is built in.

        ``DELETE /v1/operator/license``
        """
        return self._call("reset", "/v1/operator/license", answers.value, (), options)
