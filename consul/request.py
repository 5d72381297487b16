"""The description of one HTTP request: what an endpoint method builds and a flavour executes.

Everything that can be decided without I/O is decided here: quoting of paths, forms of durations
and indexes, what every request carries (token, datacenter, consistency, user agent), and how long
to wait for the answer.  Bad input is refused here too, before anything is sent.

Plain tuples rather than dataclasses: importing `dataclasses` alone takes longer than all of this
package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypedDict, TypeVar
from urllib.parse import quote

from consul.exceptions import ConsulException
from consul.steps import Step

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

Duration = str | int | float | timedelta
Key = str | bytes
Pairs = Iterable[tuple[str, Any]]

#: How long Consul holds a blocking query that names no wait.
DEFAULT_WAIT = 300.0
HIDDEN = "<hidden>"


class Limits(NamedTuple):
    """The time limits of a client, in seconds; None for no limit."""

    #: To establish a connection, TLS included.
    connect: float | None = 10.0
    #: For an answer to arrive in full (on requests: for each part of it that the socket gives); a
    #: blocking query adds the time that it may be held.  A server that lost its leader answers
    #: after 7 to 18 s: a lower limit hides the reason.
    read: float | None = 60.0
    #: What a blocking query may take beyond the time it is held.
    margin: float = 10.0

    @classmethod
    def of(cls, timeout: object) -> Limits:
        """The limits meant by *timeout*: a number, (connect, read), or None for no limit."""
        if isinstance(timeout, Limits):
            return timeout
        if isinstance(timeout, (tuple, list)):
            if len(timeout) != 2:
                raise ValueError(f"timeout must be a number, (connect, read) or None: {timeout!r}")
            connect, read = (None if part is None else _positive(part) for part in timeout)
            return cls(connect, read)
        if timeout is None:
            return cls(None, None)
        return cls(_positive(timeout), _positive(timeout))

    def deadline(self, wait: float | None) -> float | None:
        """Seconds that a request may take that the server holds for up to *wait*."""
        if self.read is None or wait is None:
            return self.read
        return wait + wait / 16 + self.margin


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"timeout must be seconds, (connect, read) or None, not {value!r}")
    if not 0 < value < float("inf"):
        raise ValueError(f"timeout must be above 0 seconds: {value!r}")
    return float(value)


class Request(NamedTuple):
    """One HTTP request.  *path* is percent-encoded, *params* are not."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    #: Seconds until the answer must be there in full; None waits for ever.
    deadline: float | None = None
    #: Seconds until the connection must be there.
    connect: float | None = None
    #: Secrets in the request; they are left out of everything shown.
    secrets: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """Path and query as they go over the wire."""
        if not self.params:
            return self.path
        pairs = (f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in self.params)
        return f"{self.path}?{'&'.join(pairs)}"

    def redact(self, text: str) -> str:
        """*text* without any of the request's secrets."""
        for secret in sorted(filter(None, self.secrets), key=len, reverse=True):
            # As it is, as part of a URL, and within the repr of a text.
            for form in (secret, quote(secret, safe=""), repr(secret)[1:-1]):
                text = text.replace(form, HIDDEN)
        return text

    @property
    def shown(self) -> str:
        """The path for messages and logs."""
        return self.redact(self.path)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.redact(self.target)}>"


class Response(NamedTuple):
    """One HTTP answer.

    Flavours fill in lower-case header names and a body of bytes; adapters of the old interface
    may use any case and text.  *content* is the field that python-consul2 had.
    """

    code: int
    headers: Mapping[str, str]
    body: Any
    content: Any = None


class Call(Step[T]):
    """A request and how to read its answer.  Immutable; can be performed any number of times."""

    __slots__ = ("decode", "request")

    request: Request
    decode: Callable[[Response], T]

    def __init__(self, request: Request, decode: Callable[[Response], T]) -> None:
        object.__setattr__(self, "request", request)
        object.__setattr__(self, "decode", decode)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Call cannot be changed: {name}")

    def __repr__(self) -> str:
        return f"<Call {self.request.method} {self.request.redact(self.request.target)}>"

    def within(self, seconds: float) -> Self:
        """The same call, to be given up *seconds* from its start at the latest."""
        request = self.request
        return type(self)(
            request._replace(
                deadline=min(seconds, request.deadline or seconds),
                connect=min(seconds, request.connect or seconds),
            ),
            self.decode,
        )

    def read(self, response: Response) -> T:
        """What *response* means; an error in it is raised with verb and path."""
        try:
            return self.decode(response)
        except ConsulException as error:
            raise self.located(error) from error.__cause__

    def located(self, error: ConsulException) -> ConsulException:
        """*error* with the verb and path of this call, and without its secrets."""
        request = self.request
        if error.method is None:
            # An adapter may have wrapped a call, which knows more, in one of its own.
            error.method, error.path = request.method, request.shown
        if request.secrets:
            error.args = tuple(
                request.redact(arg) if isinstance(arg, str) else arg for arg in error.args
            )
            if error.body is not None:
                error.body = request.redact(error.body)
        return error

    def failed(self, kind: type[ConsulException], cause: BaseException) -> ConsulException:
        """An error of *kind* for a transport that failed with *cause*.

        Raise it ``from`` what `cause` returns.
        """
        return self.located(kind(f"{type(cause).__name__}: {cause}" if str(cause) else repr(cause)))

    def cause(self, error: BaseException) -> BaseException | None:
        """*error*, to be chained to ours, unless its text has a secret of the request."""
        return error if self.request.redact(str(error)) == str(error) else None

    def timed_out(self, kind: type[ConsulException]) -> ConsulException:
        """An error of *kind*, a `consul.exceptions.Timeout`, for a call whose time is up."""
        limit = self.request.deadline
        return self.located(
            kind("no answer in time" if limit is None else f"no answer in {limit:g} s")
        )


class WriteOptions(TypedDict, total=False):
    """Keywords that every call takes besides token and dc, which each signature spells out."""

    #: Enterprise namespace and partition; Consul CE answers 400 to them.
    ns: str | None
    partition: str | None


class ReadOptions(WriteOptions, total=False):
    """Keywords that every read from the servers takes besides those that its signature spells out.

    Spelled out, because python-consul gave them positions: index, wait, token, dc, consistency
    and, where Consul sorts by it, near.
    """

    #: Node metadata that must match.
    node_meta: Mapping[str, object] | None
    #: A bexpr expression for the server to filter by.
    filter: str | None
    #: Answer from the agent's cache, not older than *max_age*, or *stale_if_error* in trouble.
    cached: bool
    max_age: Duration | None
    stale_if_error: Duration | None
    #: Oldest state that a stale read may show (catalog, health, query).
    max_stale: Duration | None
    #: Cluster peer to read from (1.13).
    peer: str | None


class Settings(Protocol):
    """What a client adds to every request."""

    token: str | None
    dc: str | None
    consistency: str
    user_agent: str
    limits: Limits


CONSISTENCY = ("default", "consistent", "stale")
_WRITE_KEYWORDS = frozenset(("token", "dc", *WriteOptions.__annotations__))
_READ_KEYWORDS = _WRITE_KEYWORDS.union(
    ("index", "wait", "consistency", "near"), ReadOptions.__annotations__
)


def build(
    settings: Settings,
    method: str,
    path: str,
    params: Pairs = (),
    options: Mapping[str, Any] | None = None,
    *,
    reads: bool = False,
    body: bytes | None = None,
    json_body: bool = False,
    secrets: tuple[str, ...] = (),
) -> Request:
    """The request of one call: the only place where token, dc and consistency come in.

    *options* are those of `WriteOptions`, with *reads* also those of `ReadOptions`.
    """
    options = options or {}
    unknown = options.keys() - (_READ_KEYWORDS if reads else _WRITE_KEYWORDS)
    if unknown:
        raise TypeError(f"unexpected keyword argument {', '.join(sorted(unknown))}")
    pairs = list(params)
    headers = [("User-Agent", settings.user_agent), ("Accept", "application/json")]
    wait = None
    if reads:
        wait = _read(settings, options, pairs, headers)
    pairs.append(("dc", options.get("dc") or settings.dc))
    pairs.append(("ns", options.get("ns")))
    pairs.append(("partition", options.get("partition")))
    token = options.get("token") or settings.token
    if token:
        headers.append(("X-Consul-Token", header("token", token)))
        secrets = (*secrets, token)
    if body is None and method in ("PUT", "POST"):
        body = b""
    if body is not None:
        kind = "application/json" if json_body else "application/octet-stream"
        headers.append(("Content-Type", kind))
    limits = settings.limits
    return Request(
        method,
        path,
        tuple((name, text(name, value)) for name, value in pairs if value is not None),
        tuple(headers),
        body,
        limits.deadline(wait),
        limits.connect,
        secrets,
    )


def _read(
    settings: Settings,
    options: Mapping[str, Any],
    pairs: list[tuple[str, Any]],
    headers: list[tuple[str, str]],
) -> float | None:
    """Add the read options to *pairs* and *headers*; return the seconds the server may hold it."""
    wait = None
    index = _index(options.get("index"))
    if index is not None:
        pairs.append(("index", index))
        wait = DEFAULT_WAIT
        if options.get("wait") is not None:
            held = duration("wait", options["wait"])
            wait = seconds("wait", held)
            if wait == 0:
                # Consul takes a zero wait for "not given" and would hold the query for minutes.
                held = "1ms"
            pairs.append(("wait", held))
            wait = min(wait, 2 * DEFAULT_WAIT)
    pairs.append(("near", options.get("near")))
    node_meta = options.get("node_meta")
    if node_meta:
        pairs.extend(("node-meta", f"{name}:{value}") for name, value in node_meta.items())
    pairs.append(("filter", options.get("filter")))
    pairs.append(("peer", options.get("peer")))
    consistency = options.get("consistency") or settings.consistency
    if consistency not in CONSISTENCY:
        raise ValueError(f"consistency must be one of {', '.join(CONSISTENCY)}: {consistency!r}")
    if consistency != "default":
        pairs.append((consistency, "1"))
    if options.get("max_stale") is not None:
        pairs.append(("max_stale", duration("max_stale", options["max_stale"])))
    if options.get("cached"):
        pairs.append(("cached", "1"))
        control = [
            f"{name.replace('_', '-')}={seconds(name, options[name]):.0f}"
            for name in ("max_age", "stale_if_error")
            if options.get(name) is not None
        ]
        if control:
            headers.append(("Cache-Control", ", ".join(control)))
    return wait


def _index(index: object) -> str | None:
    """*index* as Consul takes it; None when there is nothing to wait for."""
    if index is None:
        return None
    if isinstance(index, bool) or not isinstance(index, (int, str)):
        raise TypeError(f"index must be a whole number or None, not {index!r}")
    number = str(index)
    if not (number.isascii() and number.isdigit() and int(number) < 2**64):
        raise ValueError(f"index must be a whole number from 0 to 2**64-1: {index!r}")
    return number if int(number) else None


def header(name: str, value: object) -> str:
    """*value* for a header; never shown in the error, as it may be a token."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str, not {type(value).__name__}")
    if not (value.isascii() and value.isprintable()) or value != value.strip():
        raise ValueError(f"{name} has characters that a header cannot carry")
    return value


def text(name: str, value: object) -> str:
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
    raw = _path_bytes(name, value)
    if not raw:
        raise ValueError(f"{name} must not be empty")
    return quote(raw, safe="")


def kv_path(name: str, key: object, *, empty: bool = False) -> str:
    """*key* percent-encoded with its ``/`` kept; only with *empty* may it be the empty key."""
    raw = _path_bytes(name, key)
    if not raw and not empty:
        raise ValueError(f"{name} must not be empty")
    if b"//" in raw:
        raise ValueError(f"{name} must not have empty segments ('//'): {key!r}")
    return quote(raw, safe="/")


def bracketed(host: str) -> str:
    """*host* as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def octets(name: str, value: object) -> bytes:
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


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """*fields* without those that are None: absent, as opposed to empty, zero or false."""
    return {name: value for name, value in fields.items() if value is not None}


def flag(name: str, value: object) -> str:
    """``true`` or ``false`` for a truth value, or for python-consul's texts of the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value in ("true", "false"):
        return str(value)
    raise ValueError(f"{name} must be True or False: {value!r}")


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
