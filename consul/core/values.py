"""Python values in the form in which Consul takes them.  Bad ones are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote


def header(name: str, value: object) -> str:
    """*value* for a header; never shown in the error, as it may be a token."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str, not {type(value).__name__}")
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
    if consistency not in CONSISTENCY:
        raise ValueError(f"consistency must be one of {', '.join(CONSISTENCY)}: {consistency!r}")
    return str(consistency)


def query_text(name: str, value: object) -> str:
    """*value* of the query parameter *name* as text; flags are ``1``."""
    if value is True:
        return "1"
    result = value if isinstance(value, str) else str(value)
    _encodable(name, result)
    return result


def _encodable(name: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} has lone surrogates, which UTF-8 cannot express") from error


_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
#: What stays as it is, which nearly all names and keys do: one look instead of all that follows.
_PLAIN = re.compile(r"[\w~-][\w.~-]*", re.ASCII)
_PLAIN_KEY = re.compile(rf"{_PLAIN.pattern}(?:/{_PLAIN.pattern})*/?", re.ASCII)


def _path_bytes(name: str, value: object) -> bytes:
    if isinstance(value, str):
        raw = _encodable(name, value)
    elif isinstance(value, bytes):
        raw = value
    else:
        raise TypeError(f"{name} must be str or bytes, not {type(value).__name__}")
    if _CONTROL.search(raw):
        raise ValueError(f"{name} has control characters: {value!r}")
    if raw.startswith(b"/"):
        raise ValueError(f"{name} must not start with '/': {value!r}")
    # HTTP libraries and servers resolve these, so that the request would go to another path.
    if b"." in raw and any(part in (b".", b"..") for part in raw.split(b"/")):
        raise ValueError(f"{name} must not have '.' or '..' as a segment: {value!r}")
    return raw


def segment(name: str, value: object) -> str:
    """*value* percent-encoded as one path segment; *name* is the argument, for errors."""
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
    raw = _path_bytes(name, key)
    if not raw and not empty:
        raise ValueError(f"{name} must not be empty")
    if b"//" in raw:
        raise ValueError(f"{name} must not have empty segments ('//'): {key!r}")
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
    """*value* as a JSON body."""
    return json.dumps(value).encode()


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """*fields* without those that are None: absent, as opposed to empty, zero or false."""
    return {name: value for name, value in fields.items() if value is not None}


def true_false(name: str, value: object) -> str:
    """``true`` or ``false`` for a truth value, or for python-consul's texts of the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value in ("true", "false"):
        return str(value)
    raise ValueError(f"{name} must be True or False: {value!r}")


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


def duration(name: str, value: object) -> str:
    """*value* in Consul's form, like ``10s``: text of that form, seconds or a timedelta."""
    if isinstance(value, str):
        seconds(name, value)
        return value
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be text like '10s', seconds or a timedelta, not {value!r}")
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a duration of 0 s or more: {value!r}")
    digits = f"{value:.9f}".rstrip("0").rstrip(".")
    if value and digits == "0":
        # A positive duration must not become 0, which means "the default" to Consul.
        digits = "0.000000001"
    return f"{digits}s"


def seconds(name: str, value: object) -> float:
    """*value*, a duration in any form that `duration` takes, in seconds."""
    if not isinstance(value, str):
        return seconds(name, duration(name, value))
    parts = _DURATION.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        if value == "0":
            return 0.0
        raise ValueError(f"{name} must be a duration with a unit, like '10s' or '5m': {value!r}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
