"""Key/value store, /v1/kv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, TypeVar, overload

from consul import codecs
from consul.api.noun import Noun
from consul.api.options import BlockingRead, Common, Scope
from consul.codecs import Codec
from consul.core import answers
from consul.core.flavour import F, endpoint, recipe, shortcut
from consul.core.request import Call, Duration, Key, Pairs, Response
from consul.core.values import Flag, Number, Text, body_bytes, flag, kv_path, number, text
from consul.recipes.tree import Tree, TreeMapping, update

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from consul.api.options import Consistency, WithDC, WithToken
    from consul.core.answers import AnyIndex, Indexed
    from consul.core.flavour import Direct, variants
    from consul.core.steps import Steps

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    # What the codec makes of bytes; text where none is given.
    T = TypeVarWithDefault("T", default=str)
else:
    T = TypeVar("T")


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
        index: AnyIndex | None = None,
        recurse: Literal[False] = False,
        wait: Duration | None = None,
        token: Text | None = None,
        consistency: str | None = None,
        keys: Literal[False] = False,
        separator: Text | None = None,
        dc: Text | None = None,
        *,
        raw: Literal[False] = False,
        **options: Unpack[Common],
    ) -> Call[Indexed[KVPair | None]]: ...

    class _Options(WithToken, WithDC, Consistency, total=False):
        wait: Duration | None
        separator: Text | None

    def _all(
        noun: Any,
        key: Key,
        index: AnyIndex | None = None,
        *,
        recurse: Literal[True],
        keys: Literal[False] = False,
        raw: Literal[False] = False,
        **options: Unpack[_Options],
    ) -> Call[Indexed[list[KVPair] | None]]: ...

    def _keys(
        noun: Any,
        key: Key,
        index: AnyIndex | None = None,
        *,
        recurse: Flag = False,
        keys: Literal[True],
        raw: Literal[False] = False,
        **options: Unpack[_Options],
    ) -> Call[Indexed[list[str] | None]]: ...

    def _raw(
        noun: Any,
        key: Key,
        index: AnyIndex | None = None,
        *,
        recurse: Literal[False] = False,
        keys: Literal[False] = False,
        raw: Literal[True],
        **options: Unpack[_Options],
    ) -> Call[Indexed[bytes | None]]: ...

    def _any(
        noun: Any,
        key: Key,
        index: AnyIndex | None = None,
        recurse: Flag = False,
        wait: Duration | None = None,
        token: Text | None = None,
        consistency: str | None = None,
        keys: Flag = False,
        separator: Text | None = None,
        dc: Text | None = None,
        *,
        raw: Flag = False,
        **options: Unpack[Common],
    ) -> Call[Indexed[KVPair | list[KVPair] | list[str] | bytes | None]]: ...

    _typed_get = variants(_one, _all, _keys, _raw, _any)
else:

    def _typed_get(get: Callable[..., Any]) -> Callable[..., Any]:
        return get


def _as_one(set: Flag) -> str | None:
    return "1" if set else None


def _number(name: str, value: Number | None) -> int | None:
    return None if value is None else number(name, value)


class KV(Noun[F]):
    """Key/value store, /v1/kv.

    Keys are str or bytes.  ``/`` separates the parts of a key, but Consul has no folders.  A key
    with a leading ``/``, an empty segment, ``.`` or ``..`` as a segment, or control characters is a
    ValueError: servers would take it for another key, or for none.  `consul.api.txn.Txn.put`
    reaches such keys.
    """

    @_typed_get
    @endpoint("GET /v1/kv/:key")
    def get(
        self,
        key: Key,
        index: AnyIndex | None = None,
        recurse: Flag = False,
        wait: Duration | None = None,
        token: Text | None = None,
        consistency: str | None = None,
        keys: Flag = False,
        separator: Text | None = None,
        dc: Text | None = None,
        *,
        raw: Flag = False,
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
        decode: Callable[[Response], Any] = answers.pair
        params: Pairs = ()
        many = False
        if recurse is not False or keys is not False or raw is not False:
            recurse, keys, raw = flag("recurse", recurse), flag("keys", keys), flag("raw", raw)
            many = bool(recurse or keys)
            if raw and many:
                raise ValueError("raw excludes recurse and keys")
            if keys:
                decode = answers.keys
                params = (("keys", "1"), ("recurse", _as_one(recurse)), ("separator", separator))
            elif recurse:
                decode, params = answers.pairs, (("recurse", "1"), ("separator", separator))
            elif raw:
                decode, params = answers.raw, (("raw", "1"),)
        if separator is not None and not many:
            params = (*params, ("separator", separator))
        return self._read(
            "get",
            f"/v1/kv/{kv_path('key', key, empty=many)}",
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
        cas: Number | None = None,
        flags: Number | None = None,
        acquire: Text | None = None,
        release: Text | None = None,
        token: Text | None = None,
        dc: Text | None = None,
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
        params: Pairs = ()
        if cas is not None or flags is not None or acquire is not None or release is not None:
            params = (
                ("cas", _number("cas", cas)),
                ("flags", _number("flags", flags)),
                ("acquire", acquire),
                ("release", release),
            )
        return self._call(
            "put",
            f"/v1/kv/{kv_path('key', key)}",
            answers.bool_answer,
            params,
            options,
            body=body_bytes("value", value),
            token=token,
            dc=dc,
        )

    @endpoint("DELETE /v1/kv/:key", repeatable=True, conditions=("cas",))
    def delete(
        self,
        key: Key,
        recurse: Flag = None,
        cas: Number | None = None,
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Delete *key*, with *recurse* every key that starts with it: True.

        With *cas* only where the key's ``ModifyIndex`` is this number; False otherwise.  Deleting a
        key that does not exist returns True as well.

        ``DELETE /v1/kv/:key``
        """
        recurse = flag("recurse", recurse)
        return self._call(
            "delete",
            f"/v1/kv/{kv_path('key', key, empty=bool(recurse))}",
            answers.bool_answer,
            (("recurse", _as_one(recurse)), ("cas", _number("cas", cas))),
            options,
            token=token,
            dc=dc,
        )

    @shortcut
    def keys(
        self, prefix: Key = "", separator: Text | None = None, **options: Unpack[BlockingRead]
    ) -> Call[Indexed[list[str]]]:
        """List the keys that start with *prefix*: (index, keys), [] where there is none.

        With *separator* only up to its next one: the keys of one level, and its folders.

        ``GET /v1/kv/:key``
        """
        call = self._described.get(prefix, keys=True, separator=separator, **options)
        return answers.or_empty(call)

    @shortcut
    def tree(
        self, prefix: Key = "", **options: Unpack[BlockingRead]
    ) -> Call[Indexed[list[KVPair]]]:
        """List the pairs whose keys start with *prefix*: (index, pairs), [] where there is none.

        ``GET /v1/kv/:key``
        """
        return answers.or_empty(self._described.get(prefix, recurse=True, **options))

    # consulate's and aioconsul's name.
    items = tree

    @shortcut
    def cas(
        self,
        key: Key,
        value: str | bytes | None,
        index: Number,
        flags: Number | None = None,
        **options: Unpack[Scope],
    ) -> Call[bool]:
        """Set *key* only where its ``ModifyIndex`` is *index*, 0 where there is no key.

        True, or False when it was not set.

        ``PUT /v1/kv/:key``
        """
        return self._described.put(  # type: ignore[no-any-return]
            key, value, cas=number("index", index), flags=flags, **options
        )

    @shortcut
    def delete_cas(self, key: Key, index: Number, **options: Unpack[Scope]) -> Call[bool]:
        """Delete *key* only where its ``ModifyIndex`` is *index*: True, or False when it was not.

        ``DELETE /v1/kv/:key``
        """
        return self._described.delete(  # type: ignore[no-any-return]
            key, cas=number("index", index), **options
        )

    @shortcut
    def delete_tree(
        self, prefix: Key, *, everything: Flag = False, **options: Unpack[Scope]
    ) -> Call[bool]:
        """Delete all keys that start with *prefix*.  Return True.

        "" is the whole store: it has to be confirmed by *everything*.

        ``DELETE /v1/kv/:key``
        """
        if not prefix and not flag("everything", everything):
            raise ValueError("prefix is empty, which is the whole store: give everything=True")
        return self._described.delete(  # type: ignore[no-any-return]
            prefix, recurse=True, **options
        )

    @shortcut
    def lock(
        self,
        key: Key,
        value: str | bytes | None,
        session: Text,
        flags: Number | None = None,
        **options: Unpack[Scope],
    ) -> Call[bool]:
        """Take the lock of *key* for *session*, and set it to *value*: True, or False.

        False where another session has it, and for a while after that one has ended.  This is one
        request; for a lock that is kept and watched see ``client.lock``.

        Raises InvalidSession for a session that there is not.

        ``PUT /v1/kv/:key``
        """
        return self._described.put(  # type: ignore[no-any-return]
            key, value, acquire=_some("session", session), flags=flags, **options
        )

    @shortcut
    def unlock(
        self,
        key: Key,
        value: str | bytes | None,
        session: Text,
        flags: Number | None = None,
        **options: Unpack[Scope],
    ) -> Call[bool]:
        """Give back the lock of *key*, and set it to *value*: True, or False.

        False where *session* does not have it.

        ``PUT /v1/kv/:key``
        """
        return self._described.put(  # type: ignore[no-any-return]
            key, value, release=_some("session", session), flags=flags, **options
        )

    @recipe
    def update(
        self,
        key: str,
        function: Callable[[T | None], Any],
        codec: Codec[T] = codecs.text,  # type: ignore[assignment]
        within: float | str | None = None,
        **options: Unpack[Scope],
    ) -> Steps[T | None]:
        """Set *key* to ``function(value)``, by compare-and-set.  Return the new value.

        *function* is given the value, None where there is no key.  Where another writer was faster,
        it is called again with the new value.  It may return `consul.recipes.tree.KEEP` to leave
        the key as it is, or `consul.recipes.tree.DELETE`.  In the awaited flavours it may be a
        coroutine function.  The key keeps its flags and its lock.
        *codec* is one of `consul.codecs`: text (by default), json or raw.

        Raises Timeout when others were faster for *within* (seconds or "10s"; None tries on), and
        what *function* and *codec* raise.  After ConnectionFailed with ``sent`` or the Timeout of a
        call, the value may have been written.

        ``GET /v1/kv/:key``, ``PUT /v1/kv/:key``
        """
        return update(self._described, key, function, codec, within, dict(options))

    @overload
    def mapping(  # type: ignore[overload-overlap]
        self: KV[Direct],
        prefix: str = "",
        codec: Codec[T] = codecs.text,  # type: ignore[assignment]
    ) -> TreeMapping[T]: ...

    @overload
    def mapping(
        self,
        prefix: str = "",
        codec: Codec[T] = codecs.text,  # type: ignore[assignment]
    ) -> Tree[T, F]: ...

    def mapping(self, prefix: str = "", codec: Any = codecs.text) -> Any:
        """The keys that start with *prefix*, as a collection of values.

        In the blocking client it is a `consul.recipes.tree.TreeMapping`, a ``MutableMapping``.  In
        the other flavours it is a `consul.recipes.tree.Tree`, whose methods return what the
        flavour's do.
        *codec* is one of `consul.codecs`.
        """
        prefix = text("prefix", prefix)
        kv_path("prefix", prefix, empty=True)
        tree: Tree[Any, Any] = Tree(self._client, prefix, codec)
        http = getattr(self._client, "http", None)
        return TreeMapping(tree) if getattr(http, "form", "") == "value" else tree


def _some(name: str, value: Text) -> str:
    found = text(name, value)
    if not found:
        raise ValueError(f"{name} must not be empty")
    return found
