"""The keys that gossip is encrypted with, /v1/operator/keyring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Scope, WithDC
from consul.api.params import hidden
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Flag, Number, Text, flag, number

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.request import Call, Pairs


class KeyringResponse(TypedDict):
    """The keys of one pool of members."""

    #: Whether it is the pool of all datacenters.
    WAN: bool
    Datacenter: str
    Segment: str
    Partition: NotRequired[str]
    Messages: NotRequired[dict[str, str] | None]
    #: How many members have each key.
    Keys: dict[str, int]
    #: How many members encrypt with each key (1.8.4).
    PrimaryKeys: NotRequired[dict[str, int] | None]
    NumNodes: int


class KeyringWrite(WithDC, total=False):
    """Keywords of the writes of ``operator.keyring``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(TypedDict, total=False):
    key: Text | None


_KEY = Fields(_Body)


def _relay(relay_factor: Number | None) -> Pairs:
    value = None if relay_factor is None else number("relay_factor", relay_factor, 5)
    return (("relay-factor", value),)


class Keyring(Noun[F]):
    """The keys that gossip is encrypted with, /v1/operator/keyring.

    A key is base64 of 16, 24 or 32 bytes.  *relay_factor* (0 to 5) is through how many further
    members each answer goes.  All calls raise ServerError where gossip is not encrypted.  Where the
    token lacks ``keyring:read`` or ``keyring:write``, they raise ACLPermissionDenied; Consul 1.8
    answers a 500, which is a ServerError.
    """

    @endpoint("GET /v1/operator/keyring")
    def list(
        self,
        relay_factor: Number | None = None,
        local_only: Flag = None,
        **options: Unpack[Scope],
    ) -> Call[builtins.list[KeyringResponse]]:
        """List the keys of each pool.

        *local_only* asks this datacenter only, and is for a token of it.

        ``GET /v1/operator/keyring``
        """
        local = flag("local_only", local_only)
        params = (*_relay(relay_factor), ("local-only", "true" if local else None))
        return self._call("list", "/v1/operator/keyring", answers.value, params, options)

    @endpoint("POST /v1/operator/keyring", repeatable=True)
    def install(
        self,
        key: Text,
        relay_factor: Number | None = None,
        token: Text | None = None,
        **options: Unpack[KeyringWrite],
    ) -> Call[bool]:
        """Give a key to all members, without using it yet.  Return True.

        ``POST /v1/operator/keyring``
        """
        return self._change("install", key, relay_factor, token, options)

    @endpoint("PUT /v1/operator/keyring", repeatable=True)
    def use(
        self,
        key: Text,
        relay_factor: Number | None = None,
        token: Text | None = None,
        **options: Unpack[KeyringWrite],
    ) -> Call[bool]:
        """Encrypt with a key that is installed.  Return True.

        ``PUT /v1/operator/keyring``
        """
        return self._change("use", key, relay_factor, token, options)

    @endpoint("DELETE /v1/operator/keyring", repeatable=True)
    def remove(
        self,
        key: Text,
        relay_factor: Number | None = None,
        token: Text | None = None,
        **options: Unpack[KeyringWrite],
    ) -> Call[bool]:
        """Remove a key that is not used.  Return True, also where it is not installed.

        ``DELETE /v1/operator/keyring``
        """
        return self._change("remove", key, relay_factor, token, options)

    # python-consul2's names.
    create = install
    delete = remove
    update = use

    def _change(
        self,
        name: str,
        key: Text,
        relay_factor: Number | None,
        token: Text | None,
        options: Mapping[str, Any],
    ) -> Call[bool]:
        return self._write(
            name,
            "/v1/operator/keyring",
            answers.done,
            _KEY,
            {"key": key, **options},
            _relay(relay_factor),
            token=token,
            secrets=hidden("key", key),
        )
