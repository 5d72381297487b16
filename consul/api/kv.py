"""Key/value store, /v1/kv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Common
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.request import Call, Duration, Key, Pairs, Response
from consul.core.values import body_bytes, kv_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from consul.api.options import Consistency, WithDC, WithToken
    from consul.core.answers import Indexed
    from consul.core.flavour import variants


class KVPair(TypedDict):
    """One key with its value."""

    Key: str
    #: None when it is empty.
    Value: bytes | None
    Flags: int
    CreateIndex: int
    ModifyIndex: int
    LockIndex: int
    #: Id of the session that holds the lock; absent when there is none.
    Session: NotRequired[str]


if TYPE_CHECKING:
    # What `KV.get` answers depends on recurse, keys and raw.

    def _one(
        noun: Any,
        key: Key,
        index: int | str | None = None,
        recurse: Literal[False] = False,
        wait: Duration | None = None,
        token: str | None = None,
        consistency: str | None = None,
        keys: Literal[False] = False,
        separator: str | None = None,
        dc: str | None = None,
        *,
        raw: Literal[False] = False,
        **options: Unpack[Common],
    ) -> Call[Indexed[KVPair | None]]: ...

    class _Options(WithToken, WithDC, Consistency, total=False):
        wait: Duration | None
        separator: str | None

    def _all(
        noun: Any,
        key: Key,
        index: int | str | None = None,
        *,
        recurse: Literal[True],
        keys: Literal[False] = False,
        raw: Literal[False] = False,
        **options: Unpack[_Options],
    ) -> Call[Indexed[list[KVPair] | None]]: ...

    def _keys(
        noun: Any,
        key: Key,
        index: int | str | None = None,
        *,
        recurse: bool = False,
        keys: Literal[True],
        raw: Literal[False] = False,
        **options: Unpack[_Options],
    ) -> Call[Indexed[list[str] | None]]: ...

    def _raw(
        noun: Any,
        key: Key,
        index: int | str | None = None,
        *,
        recurse: Literal[False] = False,
        keys: Literal[False] = False,
        raw: Literal[True],
        **options: Unpack[_Options],
    ) -> Call[Indexed[bytes | None]]: ...

    def _any(
        noun: Any,
        key: Key,
        index: int | str | None = None,
        recurse: bool = False,
        wait: Duration | None = None,
        token: str | None = None,
        consistency: str | None = None,
        keys: bool = False,
        separator: str | None = None,
        dc: str | None = None,
        *,
        raw: bool = False,
        **options: Unpack[Common],
    ) -> Call[Indexed[KVPair | list[KVPair] | list[str] | bytes | None]]: ...

    _typed_get = variants(_one, _all, _keys, _raw, _any)
else:

    def _typed_get(get: Callable[..., Any]) -> Callable[..., Any]:
        return get


class KV(Noun[F]):
    """Key/value store, /v1/kv.

    Keys are str or bytes; ``/`` separates, but Consul keeps no folders.  A key with a leading
    ``/``, an empty segment, or ``.`` or ``..`` as a segment is a ValueError: servers would take
    it for another key.
    """

    @_typed_get
    @endpoint("GET /v1/kv/:key")
    def get(
        self,
        key: Key,
        index: int | str | None = None,
        recurse: bool = False,
        wait: Duration | None = None,
        token: str | None = None,
        consistency: str | None = None,
        keys: bool = False,
        separator: str | None = None,
        dc: str | None = None,
        *,
        raw: bool = False,
        **options: Unpack[Common],
    ) -> Call[Indexed[Any]]:
        """Read *key*: (index, pair), or (index, None) when it does not exist.

        The pair is a `KVPair`.  *recurse* gives a list of all pairs whose key starts with *key*;
        *keys* only a list of their keys (str), up to the next *separator* where one is given;
        *raw* the value alone (bytes).
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        Raises ACLPermissionDenied where the token may not read the key.

        ``GET /v1/kv/:key``
        """
        if raw and (recurse or keys):
            raise ValueError("raw excludes recurse and keys")
        decode: Callable[[Response], Any] = answers.pair
        params: Pairs = ()
        if keys:
            decode = answers.keys
            params = (("keys", True), ("recurse", recurse or None), ("separator", separator))
        elif recurse:
            decode, params = answers.pairs, (("recurse", True), ("separator", separator))
        elif raw:
            decode, params = answers.raw, (("raw", True),)
        elif separator is not None:
            params = (("separator", separator),)
        return self._read(
            "get",
            f"/v1/kv/{kv_path('key', key, empty=recurse or keys)}",
            decode,
            params,
            options,
            index=index,
            wait=wait,
            token=token,
            consistency=consistency,
            dc=dc,
        )

    @endpoint("PUT /v1/kv/:key", repeatable=True, conditions=("cas", "acquire", "release"))
    def put(
        self,
        key: Key,
        value: str | bytes | None,
        cas: int | str | None = None,
        flags: int | str | None = None,
        acquire: str | None = None,
        release: str | None = None,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Set *key* to *value*: True, or False when it was not set.

        *value* is str (sent as UTF-8), bytes, or None for no value.  *cas* sets it only where
        the key's ``ModifyIndex`` is this number, 0 only where there is no key.  *flags* (0 to
        2**64-1) is kept beside the value.  *acquire* and *release* name the session that takes
        or gives back the lock of the key.

        Raises ACLPermissionDenied where the token may not write the key, ClientError (413) for
        a value above the server's limit, 512 KiB by default.

        ``PUT /v1/kv/:key``
        """
        return self._call(
            "put",
            f"/v1/kv/{kv_path('key', key)}",
            answers.bool_answer,
            (("cas", cas), ("flags", flags), ("acquire", acquire), ("release", release)),
            options,
            body=body_bytes("value", value),
            token=token,
            dc=dc,
        )

    @endpoint("DELETE /v1/kv/:key", repeatable=True, conditions=("cas",))
    def delete(
        self,
        key: Key,
        recurse: bool | None = None,
        cas: int | str | None = None,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Delete *key*, with *recurse* every key that starts with it: True.

        With *cas* only where the key's ``ModifyIndex`` is this number; False otherwise.  Deleting
        what is not there is True, too.

        ``DELETE /v1/kv/:key``
        """
        return self._call(
            "delete",
            f"/v1/kv/{kv_path('key', key, empty=bool(recurse))}",
            answers.bool_answer,
            (("recurse", recurse or None), ("cas", cas)),
            options,
            token=token,
            dc=dc,
        )
