"""Key/value store, /v1/kv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun
from consul.request import Duration, Key
from consul.values import kv_path, octets

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.callback import Indexed
    from consul.request import Call, ReadOptions, WriteOptions


class KV(Noun):
    """Key/value store, /v1/kv.

    Keys are str or bytes; ``/`` separates, but Consul keeps no folders.  A key with a leading
    ``/``, an empty segment, or ``.`` or ``..`` as a segment is a ValueError: servers would take
    it for another key.
    """

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
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """Read *key*: (index, pair), or (index, None) when it does not exist.

        The pair is a dict with ``Key``, ``Value`` (bytes, None when empty), ``Flags``,
        ``CreateIndex``, ``ModifyIndex``, ``LockIndex`` and, while locked, ``Session``.
        *recurse* gives a list of all pairs whose key starts with *key*; *keys* only a list of
        their keys (str), up to the next *separator* where one is given.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        Raises ACLPermissionDenied where the token may not read the key.

        ``GET /v1/kv/:key``
        """
        decode = callback.keys if keys else callback.pairs if recurse else callback.pair
        return self._read(
            f"/v1/kv/{kv_path('key', key, empty=recurse or keys)}",
            decode,
            (
                ("recurse", recurse or None),
                ("keys", keys or None),
                ("separator", separator),
            ),
            options,
            index=index,
            wait=wait,
            token=token,
            consistency=consistency,
            dc=dc,
        )

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
        **options: Unpack[WriteOptions],
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
            "PUT",
            f"/v1/kv/{kv_path('key', key)}",
            callback.boolean,
            (("cas", cas), ("flags", flags), ("acquire", acquire), ("release", release)),
            options,
            body=octets("value", value),
            token=token,
            dc=dc,
            repeatable=cas is None and acquire is None and release is None,
        )

    def delete(
        self,
        key: Key,
        recurse: bool | None = None,
        cas: int | str | None = None,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[bool]:
        """Delete *key*, with *recurse* every key that starts with it: True.

        With *cas* only where the key's ``ModifyIndex`` is this number; False otherwise.  Deleting
        what is not there is True, too.

        ``DELETE /v1/kv/:key``
        """
        return self._call(
            "DELETE",
            f"/v1/kv/{kv_path('key', key, empty=bool(recurse))}",
            callback.boolean,
            (("recurse", recurse or None), ("cas", cas)),
            options,
            token=token,
            dc=dc,
            repeatable=cas is None,
        )
