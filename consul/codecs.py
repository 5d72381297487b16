"""How values of the key/value store are written as bytes, and read."""

from __future__ import annotations

import json as _json
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Codec", "json", "raw", "text"]

T = TypeVar("T")


class Codec(Generic[T]):
    """A way to write values as bytes, and to read them.

    *encode* makes bytes of a value, *decode* a value of bytes.  Both raise TypeError or ValueError
    for what they cannot do.  *name* is for messages.
    """

    def __init__(
        self, name: str, encode: Callable[[T], bytes], decode: Callable[[bytes], T]
    ) -> None:
        self.name = name
        self._encode, self._decode = encode, decode

    def encode(self, key: str, value: T) -> bytes:
        """*value* as bytes; *key* is for messages."""
        try:
            return self._encode(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"the value for {key!r} is no {self.name}: {error}") from error

    def decode(self, key: str, data: bytes | None) -> T:
        """The value that *data* stands for; Consul has None where nothing is."""
        try:
            return self._decode(data or b"")
        except ValueError as error:
            raise ValueError(f"the value of {key!r} is no {self.name}: {error}") from error

    def __repr__(self) -> str:
        return f"<Codec {self.name}>"


def _encode_text(value: str) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"it is a {type(value).__name__}")
    return value.encode()


def _encode_json(value: Any) -> bytes:
    return _json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _decode_json(data: bytes) -> Any:
    return _json.loads(data)


def _encode_raw(value: bytes) -> bytes:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"it is a {type(value).__name__}")
    return bytes(value)


#: str, as UTF-8.
text: Codec[str] = Codec("text", _encode_text, bytes.decode)
#: What JSON has a form for.
json: Codec[Any] = Codec("JSON", _encode_json, _decode_json)
#: bytes, as they are.
raw: Codec[bytes] = Codec("bytes", _encode_raw, bytes)
