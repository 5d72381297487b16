"""Python values in the form in which Consul takes them.  Bad ones are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address
    from typing import Literal
    from uuid import UUID

    #: What has one meaning as text.  Bytes are UTF-8.
    Text = str | bytes | UUID | IPv4Address | IPv6Address
    _True = Literal["1", "t", "T", "true", "TRUE", "True"]
    _False = Literal["0", "f", "F", "false", "FALSE", "False"]
    #: A truth value, or a word for one; None where it is not given.
    Flag = bool | _True | _False | None
else:
    Text = str | bytes
    Flag = bool | str | None

#: A whole number, or its digits.
Number = int | str

# The words that Go's ParseBool takes.
TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))


def flag(name: str, value: object) -> bool | None:
    """The truth value that *value* means: the one reader of all flags.

    True and False, the words that Consul's tools take, and None for "not given".
    """
    if value is None or value is True or value is False:
        return value
    if not isinstance(value, str):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ValueError(f"{name} must be True or False, or a word like 'true' or '0': {value!r}")


def true_false(name: str, value: object) -> str:
    """``true`` or ``false`` for a flag that has to be given."""
    found = flag(name, value)
    if found is None:
        raise TypeError(f"{name} must be True or False, not None")
    return "true" if found else "false"


def number(name: str, value: object, most: int = 2**64 - 1) -> int:
    """*value*, a whole number from 0 to *most* or its digits."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if isinstance(value, str):
        # The length first: Python refuses to convert thousands of digits.
        digits = value.lstrip("0") or "0" * bool(value)
        found = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 21 else -1
    else:
        found = int(value)
    if not 0 <= found <= most:
        limit = "2**64-1" if most == 2**64 - 1 else most
        raise ValueError(f"{name} must be a whole number from 0 to {limit}: {value!r}")
    return found


def port(name: str, value: object) -> int:
    """*value* as a port; 0 stands for none."""
    return number(name, value, 65535)


#: Classes, by module and name to spare the imports, and whether their text has one meaning.
_SPOKEN = {
    ("uuid", "UUID"): True,
    ("ipaddress", "IPv4Address"): True,
    ("ipaddress", "IPv6Address"): True,
    # "10.0.0.1/8" is no address.
    ("ipaddress", "IPv4Interface"): False,
    ("ipaddress", "IPv6Interface"): False,
}


def spoken(value: object) -> bool:
    """Whether *value* is an object, no text, that is written as text in one way only."""
    for kind in type(value).__mro__:
        known = _SPOKEN.get((kind.__module__, kind.__qualname__))
        if known is not None:
            return known
    return False


def text(name: str, value: object) -> str:
    """*value* as text: str, bytes in UTF-8, a UUID or an IP address."""
    if isinstance(value, str):
        # The text itself, where an Enum's str() is its name.
        result = str.__str__(value)
        if not result.isascii():
            _encodable(name, result)
        return result
    if isinstance(value, (bytes, bytearray)):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise ValueError(f"{name} must be text in UTF-8: {value!r}") from None
    if spoken(value):
        return str(value)
    raise TypeError(f"{name} must be str, not {type(value).__name__}")


def identifier(name: str, value: object) -> str:
    """*value* as the name or id of what is registered.

    Consul registers any text, but refuses each URL that has a character which Go does not print.
    So what has such a name could be neither read nor removed.
    """
    result = text(name, value)
    if not result.isprintable():
        for char in result:
            if _unaddressable(char):
                raise ValueError(
                    f"{name} has {char!r}, which Consul refuses in URLs, so it could not be "
                    f"removed again: {result!r}"
                )
    _no_dots(name, result.encode(), result)
    return result


def _unaddressable(char: str) -> bool:
    """Whether servers refuse a URL with *char*."""
    if char.isprintable():
        return False
    from unicodedata import category

    # What this Python does not know may be a letter to a newer server, but for those code points
    # that never will be one.
    code = ord(char)
    never = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return never or category(char) != "Cn"


def secret(name: str, value: object) -> str:
    """*value* as text; never shown in the error."""
    try:
        return text(name, value)
    except ValueError:
        # Not chained: that error has the value.
        raise ValueError(f"{name} must be text in UTF-8") from None


def header(name: str, value: object) -> str:
    """*value* for a header; never shown in the error, as it may be a token."""
    if not isinstance(value, str):
        value = secret(name, value)
    if not (value.isascii() and value.isprintable()) or value != value.strip():
        raise ValueError(f"{name} has characters that a header cannot carry")
    return value


#: Headers that have a place of their own.
_RESERVED = {
    "x-consul-token": "token",
    "content-length": "the body",
    "content-type": "the body",
    "transfer-encoding": "the body",
}
_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def with_headers(
    headers: tuple[tuple[str, str], ...], more: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """*headers* with those of *more* added or, whatever their case, put in their place."""
    found = {name.lower(): (name, value) for name, value in headers}
    for name, value in more.items():
        if not isinstance(name, str):
            raise TypeError(f"headers must have names that are str, not {name!r}")
        if not _FIELD.fullmatch(name):
            raise ValueError(f"headers has a name that no header has: {name!r}")
        lower = name.lower()
        if lower in _RESERVED:
            raise ValueError(f"headers must not have {name}: that is for {_RESERVED[lower]}")
        shown = found.get(lower, (name, ""))[0]
        found[lower] = (shown, header(f"headers[{name!r}]", value))
    return tuple(found.values())


CONSISTENCY = ("default", "consistent", "stale")


def check_consistency(consistency: object) -> str:
    """*consistency*, which must be one of Consul's modes."""
    mode = consistency
    if isinstance(mode, (bytes, bytearray)):
        mode = text("consistency", mode)
    if mode not in CONSISTENCY:
        raise ValueError(f"consistency must be one of {', '.join(CONSISTENCY)}: {consistency!r}")
    return CONSISTENCY[CONSISTENCY.index(mode)]


def query_text(name: str, value: object) -> str:
    """*value* of the query parameter *name* as text, a whole number as its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    return text(name, value)


def _encodable(name: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} has lone surrogates, which UTF-8 cannot express") from error


_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
#: What stays as it is, which nearly all names and keys do: one look instead of all that follows.
_PLAIN = re.compile(r"[\w~-][\w.~-]*", re.ASCII)
_PLAIN_KEY = re.compile(rf"{_PLAIN.pattern}(?:/{_PLAIN.pattern})*/?", re.ASCII)


#: What to do about a key that no URL can have.
_BY_TXN = "; only txn.put can reach such a key"


def _path_bytes(name: str, value: object, hint: str = "") -> bytes:
    if isinstance(value, bytes):
        raw = value
    elif isinstance(value, str):
        raw = _encodable(name, str.__str__(value))
    elif isinstance(value, bytearray) or spoken(value):
        raw = text(name, value).encode()
    else:
        raise TypeError(f"{name} must be str or bytes, not {type(value).__name__}")
    if _CONTROL.search(raw):
        raise ValueError(f"{name} has control characters: {value!r}{hint}")
    _no_dots(name, raw, value, hint)
    return raw


def _no_dots(name: str, raw: bytes, value: object, hint: str = "") -> None:
    # HTTP libraries and servers resolve these, so that the request would go to another path.
    if b"." in raw and any(part in (b".", b"..") for part in raw.split(b"/")):
        raise ValueError(f"{name} must not have '.' or '..' as a segment: {value!r}{hint}")


def segment(name: str, value: object) -> str:
    """*value* percent-encoded as one path segment; *name* is the argument, for errors.

    It may have ``/`` anywhere.  Consul 1.22.7 takes ``%2F`` for it, 1.8.7 answers a redirect.
    """
    # Not a subclass, whose text may be another in an f-string (an Enum's is).
    if type(value) is str and _PLAIN.fullmatch(value):
        return value
    raw = _path_bytes(name, value)
    if not raw:
        raise ValueError(f"{name} must not be empty")
    return quote(raw, safe="")


def kv_path(name: str, key: object, *, empty: bool = False) -> str:
    """*key* percent-encoded with its ``/`` kept; only with *empty* may it be the empty key."""
    if type(key) is str and _PLAIN_KEY.fullmatch(key):
        return key
    raw = _path_bytes(name, key, _BY_TXN)
    if not raw and not empty:
        raise ValueError(f"{name} must not be empty")
    if raw.startswith(b"/"):
        raise ValueError(f"{name} must not start with '/': {key!r}{_BY_TXN}")
    if b"//" in raw:
        raise ValueError(f"{name} must not have empty segments ('//'): {key!r}{_BY_TXN}")
    return quote(raw, safe="/")


def bracketed(host: str) -> str:
    """*host* as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def body_bytes(name: str, value: object) -> bytes:
    """*value* as a request body: str in UTF-8, bytes as they are, None as no bytes."""
    if value is None:
        return b""
    if isinstance(value, str):
        return _encodable(name, value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{name} must be str, bytes or None, not {type(value).__name__}")


def json_bytes(value: object) -> bytes:
    """*value* as a JSON body.  `consul.core.bodies` has checked it."""
    return json.dumps(value, allow_nan=False).encode()


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """*fields* without those that are None: absent, as opposed to empty, zero or false."""
    return {name: value for name, value in fields.items() if value is not None}


def at_least_one(name: str, value: object) -> int:
    """*value*, how many there may be of something."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be 1 or more: {value!r}")
    return value


_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}


#: Consul counts nanoseconds in 64 bits, some 292 years.
_LONGEST = 2**63 / 1e9


def duration(name: str, value: object) -> str:
    """*value* in Consul's form, like ``10s``: text of that form, seconds or a timedelta."""
    if isinstance(value, str):
        seconds(name, value)
        return str.__str__(value)
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be text like '10s', seconds or a timedelta, not {value!r}")
    if not 0 <= value < _LONGEST:
        raise ValueError(f"{name} must be a duration from 0 s to 292 years: {value!r}")
    digits = f"{value:.9f}".rstrip("0").rstrip(".")
    if value and digits == "0":
        # A positive duration must not become 0, which means "the default" to Consul.
        digits = "0.000000001"
    return f"{digits}s"


def above_zero(name: str, value: object) -> str:
    """*value* as `duration` gives it, where Consul would take zero for "not given"."""
    result = duration(name, value)
    if is_zero(seconds(name, result)):
        raise ValueError(f"{name} must be above 0, which Consul takes for 'not given': {value!r}")
    return result


def moment(name: str, value: object) -> str:
    """*value*, a point in time, as RFC 3339 has it: text of that form, or an aware datetime."""
    if not isinstance(value, datetime):
        return text(name, value)
    if value.utcoffset() is None:
        raise ValueError(f"{name} must be a datetime with a time zone: {value!r}")
    return value.astimezone(UTC).isoformat()


def is_zero(length: float) -> bool:
    """Whether *length*, in seconds, is nothing to a server, which counts whole nanoseconds."""
    return length < 1e-9


def seconds(name: str, value: object) -> float:
    """*value*, a duration in any form that `duration` takes, in seconds."""
    if not isinstance(value, str):
        return seconds(name, duration(name, value))
    value = str.__str__(value)
    parts = _DURATION.findall(value)
    if not parts or "".join(count + unit for count, unit in parts) != value:
        if value == "0":
            return 0.0
        raise ValueError(f"{name} must be a duration with a unit, like '10s' or '5m': {value!r}")
    length = sum(float(count) * _UNITS[unit] for count, unit in parts)
    if not length < _LONGEST:
        raise ValueError(f"{name} must be a duration from 0 s to 292 years: {value!r}")
    return length


def time_limit(name: str, value: object) -> float | None:
    """*value* as `seconds` gives it; None, which is no limit, as it is."""
    return None if value is None else seconds(name, value)


def limited(name: str, value: object, kind: str = "seconds") -> float:
    """*value*, a limit in seconds; *kind* says what it has to be."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be {kind}, not {value!r}")
    if value in (float("inf"), float("-inf")) or value != value or value >= 1e300:
        raise ValueError(f"{name} must be finite: {value!r}")
    if value <= 0:
        raise ValueError(f"{name} must be above 0 seconds: {value!r}")
    return value
