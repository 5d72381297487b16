"""A part of the key/value store as a collection of values."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, MutableMapping, ValuesView
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from consul.codecs import Codec
from consul.core.flavour import Direct, F, Flavoured, recipe
from consul.core.steps import Invoke, Now
from consul.core.values import time_limit
from consul.exceptions import Timeout
from consul.recipes.items import End, Items

if TYPE_CHECKING:
    from consul.core.steps import Steps

T = TypeVar("T")


class _Word:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


#: What the function of an update returns to leave the key as it is, or to delete it.
KEEP: Any = _Word("KEEP")
DELETE: Any = _Word("DELETE")


class Record(NamedTuple, Generic[T]):
    """A value with what is kept beside it."""

    key: str
    value: T
    flags: int
    #: Grows with each change of the key; what a compare-and-set compares.
    modify_index: int
    #: Id of the session that holds the lock; None when there is none.
    session: str | None


async def update(
    kv: Any,
    key: str,
    function: Callable[[T | None], Any],
    codec: Codec[T],
    within: float | str | None,
    options: dict[str, Any],
) -> T | None:
    """The steps of `consul.api.kv.KV.update`; *kv* describes the calls."""
    limit = time_limit("within", within)
    end = None if limit is None else await Now() + limit
    races = 0
    while True:
        pair = (await kv.get(key, consistency="default", **options)).data
        old = None if pair is None else codec.decode(key, pair["Value"])
        new = await Invoke(function, old)
        if new is KEEP or (new is DELETE and pair is None):
            return old
        index = 0 if pair is None else pair["ModifyIndex"]
        if new is DELETE:
            call = kv.delete(key, cas=index, **options)
        else:
            flags = None if pair is None else pair["Flags"]
            call = kv.put(key, codec.encode(key, new), cas=index, flags=flags, **options)
        if await call:
            return None if new is DELETE else new
        races += 1
        if end is not None and await Now() >= end:
            raise Timeout(f"{key!r} was changed by others {races} times within {limit:g} s")


class Pages(Items["Record[T]", F], Generic[T, F]):
    """The records of a tree, level by level, so that no answer has all of them."""

    def __init__(self, client: Any, tree: Tree[T, F], separator: str) -> None:
        super().__init__(client)
        self._tree, self._separator = tree, separator
        self._levels: list[str] = [tree.prefix]
        self._keys: list[str] = []

    async def _next(self) -> Record[T]:
        kv = self._client.describe.kv
        while True:
            while self._keys:
                key = self._keys.pop(0)
                if key.endswith(self._separator):
                    self._levels.insert(0, key)
                    continue
                pair = (await kv.get(key)).data
                if pair is not None:
                    return self._tree._record(pair)
            if not self._levels:
                raise End
            level = self._levels.pop(0)
            found = (await kv.get(level, keys=True, separator=self._separator)).data or []
            # The key that is named like the folder itself is no further level.
            self._keys = [each for each in found if each != level]
            if level in found:
                pair = (await kv.get(level)).data
                if pair is not None:
                    return self._tree._record(pair)


class Tree(Flavoured[F], Generic[T, F]):
    """The keys that start with a prefix, and their values, in the form of each flavour.

    Keys are relative to the prefix.
    """

    def __init__(self, client: Any, prefix: str, codec: Codec[T]) -> None:
        self._client = client
        self.prefix, self.codec = prefix, codec

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.prefix!r} of {self._client!r}>"

    def _run(self, steps: Steps[Any]) -> Any:
        return self._client.run(steps)

    @property
    def _kv(self) -> Any:
        return self._client.describe.kv

    def _record(self, pair: Any) -> Record[T]:
        key = pair["Key"]
        return Record(
            key.removeprefix(self.prefix),
            self.codec.decode(key, pair["Value"]),
            pair["Flags"],
            pair["ModifyIndex"],
            pair.get("Session"),
        )

    @recipe
    def record(self, key: str) -> Steps[Record[T] | None]:
        """The `Record` of *key*; None when it does not exist."""
        return self._read(key)

    @recipe
    def get(self, key: str, default: T | None = None) -> Steps[T | None]:
        """The value of *key*; *default* when it does not exist."""
        return self._get(key, default)

    @recipe
    def set(self, key: str, value: T, flags: int | None = None) -> Steps[None]:
        """Set *key* to *value*; the flags that it has stay as they are unless they are given."""
        return self._set(key, value, flags)

    @recipe
    def delete(self, key: str) -> Steps[bool]:
        """Delete *key*.  Return whether it was there."""
        return self._delete(key)

    @recipe
    def update(
        self,
        key: str,
        function: Callable[[T | None], Any],
        within: float | str | None = None,
    ) -> Steps[T | None]:
        """Set *key* to ``function(value)``, as `consul.api.kv.KV.update` does it."""
        return update(self._kv, self.prefix + key, function, self.codec, within, {})

    @recipe
    def keys(self) -> Steps[list[str]]:
        """All keys."""
        return self._keys()

    @recipe
    def find(self, prefix: str = "") -> Steps[dict[str, T]]:
        """The values of all keys that start with *prefix*, by their keys."""
        return self._find(prefix)

    @recipe
    def records(self, prefix: str = "") -> Steps[list[Record[T]]]:
        """The records of all keys that start with *prefix*."""
        return self._records(prefix)

    @recipe
    def clear(self) -> Steps[None]:
        """Delete all keys."""
        return self._clear()

    def pages(self, separator: str = "/") -> Pages[T, F]:
        """Iterate over all records, one level of the tree after the other.

        No answer of the servers has more than the keys of one level, and one value.
        """
        return Pages(self._client, self, separator)

    async def _read(self, key: str) -> Record[T] | None:
        pair = (await self._kv.get(self.prefix + key)).data
        return None if pair is None else self._record(pair)

    async def _get(self, key: str, default: T | None) -> T | None:
        found = await self._read(key)
        return default if found is None else found.value

    async def _set(self, key: str, value: T, flags: int | None) -> None:
        name = self.prefix + key
        encoded = self.codec.encode(name, value)
        if flags is None:
            pair = (await self._kv.get(name)).data
            flags = None if pair is None else pair["Flags"] or None
        await self._kv.put(name, encoded, flags=flags)

    async def _delete(self, key: str) -> bool:
        name = self.prefix + key
        if (await self._kv.get(name)).data is None:
            return False
        await self._kv.delete(name)
        return True

    async def _keys(self) -> list[str]:
        found = (await self._kv.get(self.prefix, keys=True)).data or []
        return [key.removeprefix(self.prefix) for key in found]

    async def _records(self, prefix: str) -> list[Record[T]]:
        pairs = (await self._kv.get(self.prefix + prefix, recurse=True)).data or []
        return [self._record(pair) for pair in pairs]

    async def _find(self, prefix: str) -> dict[str, T]:
        return {record.key: record.value for record in await self._records(prefix)}

    async def _clear(self) -> None:
        if not self.prefix:
            raise ValueError("the tree is the whole store: use kv.delete_tree")
        await self._kv.delete(self.prefix, recurse=True)


class TreeMapping(MutableMapping[str, T]):
    """A `Tree` of the blocking client as a mapping.

    ``mapping[key]`` raises KeyError for a key that does not exist.  `tree` has what else can be
    done.
    """

    def __init__(self, tree: Tree[T, Direct]) -> None:
        self.tree = tree

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.tree.prefix!r} of {self.tree._client!r}>"

    def __getitem__(self, key: str) -> T:
        record = self.tree.record(key)
        if record is None:
            raise KeyError(key)
        return record.value

    def __setitem__(self, key: str, value: T) -> None:
        self.tree.set(key, value)

    def __delitem__(self, key: str) -> None:
        if not self.tree.delete(key):
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.tree.record(key) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.tree.keys())

    def __len__(self) -> int:
        return len(self.tree.keys())

    def items(self) -> ItemsView[str, T]:
        """A view of all keys and values, which were read at once."""
        return self.tree.find().items()

    def values(self) -> ValuesView[T]:
        """A view of all values, which were read at once."""
        return self.tree.find().values()

    def clear(self) -> None:
        """Delete all keys."""
        self.tree.clear()

    def find(self, prefix: str = "") -> dict[str, T]:
        """The values of all keys that start with *prefix*, by their keys."""
        return self.tree.find(prefix)

    def record(self, key: str) -> Record[T] | None:
        """The `Record` of *key*; None when it does not exist."""
        return self.tree.record(key)

    def records(self, prefix: str = "") -> list[Record[T]]:
        """The records of all keys that start with *prefix*."""
        return self.tree.records(prefix)

    def change(
        self, key: str, function: Callable[[T | None], Any], within: float | str | None = None
    ) -> T | None:
        """Set *key* to ``function(value)`` by compare-and-set; see `consul.api.kv.KV.update`."""
        return self.tree.update(key, function, within)

    def pages(self, separator: str = "/") -> Pages[T, Direct]:
        """Iterate over all records, one level of the tree after the other."""
        return self.tree.pages(separator)
