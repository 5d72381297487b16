"""The description of one HTTP request: what an endpoint method builds and a flavour executes.

Everything that can be decided without I/O is decided here: what every request carries (token,
datacenter, consistency, headers), how long to wait for the answer, and whether the request may be
repeated.  Bad input is refused here and in `consul.values`, before anything is sent.

Plain tuples rather than dataclasses: importing `dataclasses` alone takes longer than all of this
package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypedDict, TypeVar
from urllib.parse import quote

from consul.exceptions import BadAnswer, ConsulException, RateLimited
from consul.steps import Step
from consul.values import duration, header, seconds, text

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
E = TypeVar("E", bound=ConsulException)

Duration = str | int | float | timedelta
Key = str | bytes
Pairs = Iterable[tuple[str, Any]]
Timeout = float | tuple[float | None, float | None] | None

#: How long Consul holds a blocking query that names no wait.
DEFAULT_WAIT = 300.0
HIDDEN = "<hidden>"


class Limits(NamedTuple):
    """The time limits of a client or a call, in seconds; None for no limit."""

    #: To establish a connection, TLS included.
    connect: float | None = 10.0
    #: For an answer to be there in full, from the start of the call, repeated attempts included.
    #: A server that lost its leader answers after 7 to 18 s: a lower limit hides the reason.
    read: float | None = 60.0
    #: The same for a blocking query, beyond the time that the server may hold it.
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
        elif timeout is None:
            connect = read = None
        else:
            connect = read = _positive(timeout)
        return cls(connect, read, cls().margin if read is None else read)

    def deadline(self, hold: float | None) -> float | None:
        """Seconds that a request may take that the server holds for up to *hold*."""
        if self.read is None or hold is None:
            return self.read
        return _held(hold) + self.margin


def _held(wait: float) -> float:
    """The longest that a server holds a query with this wait: it adds up to a sixteenth."""
    return wait + wait / 16


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
    #: Seconds that the server may hold the request, which makes it a blocking query; else None.
    hold: float | None = None
    #: Whether sending it twice comes to the same as sending it once.
    repeatable: bool = False

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

    Of flavours the body is bytes, and the headers are found by their names in lower case, whatever
    those are when listed; ``lowered()`` is for who shows them.  Adapters of the old interface may
    use any case and text.  *content* is the field that python-consul2 had.
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

    def within(self, limit: float) -> Self:
        """The same call, to be given up *limit* seconds from its start at the latest.

        A blocking query asks the server for less, so that an answer comes all the same.
        """
        request = self.request
        if request.deadline is not None and request.deadline <= limit:
            return self
        if request.hold is not None:
            margin = 0.0
            if request.deadline is not None:
                margin = request.deadline - _held(request.hold)
            hold = max(0.001, min(request.hold, (limit - margin) * 16 / 17))
            params = tuple(pair for pair in request.params if pair[0] != "wait")
            request = request._replace(
                hold=hold, params=(*params, ("wait", duration("wait", round(hold, 3))))
            )
        return type(self)(
            request._replace(deadline=limit, connect=min(limit, request.connect or limit)),
            self.decode,
        )

    def after(self, spent: float) -> Self:
        """The same call when *spent* seconds of its time are over."""
        deadline = self.request.deadline
        # A limit of 0 means different things to the libraries, and a negative one nothing.
        return self if deadline is None else self.within(max(0.001, deadline - spent))

    def read(self, response: Response) -> T:
        """What *response* means; an error in it is raised with verb and path."""
        try:
            if "content-encoding" in response.headers:
                response = _decompressed(response)
            return self.decode(response)
        except ConsulException as error:
            if isinstance(error, RateLimited):
                error.retry_after = _retry_after(response.headers)
            raise self.located(error) from error.__cause__

    def located(self, error: E) -> E:
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

    def failed(self, kind: type[E], cause: BaseException) -> E:
        """An error of *kind* for a transport that failed with *cause*.

        Raise it ``from`` what `cause` returns.
        """
        return self.located(kind(f"{type(cause).__name__}: {cause}" if str(cause) else repr(cause)))

    def cause(self, error: BaseException) -> BaseException | None:
        """*error*, to be chained to ours, unless its text has a secret of the request."""
        return error if self.request.redact(str(error)) == str(error) else None

    def timed_out(self, kind: type[E]) -> E:
        """An error of *kind*, a `consul.exceptions.Timeout`, for a call whose time is up."""
        limit = self.request.deadline
        return self.located(
            kind("no answer in time" if limit is None else f"no answer in {limit:g} s")
        )


def lowered(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by name in lower case; values of the same name are joined as HTTP says."""
    found: dict[str, str] = {}
    for name, value in fields:
        name = name.lower()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _decompressed(response: Response) -> Response:
    """*response* with its body as it was before the server compressed it."""
    import zlib

    kind = response.headers["content-encoding"].strip().lower()
    if kind in ("", "identity"):
        return response
    try:
        if kind not in ("gzip", "x-gzip"):
            raise ValueError(f"Content-Encoding: {kind}")
        # 16: with the header and checksum of gzip.
        body = zlib.decompress(response.body, zlib.MAX_WBITS | 16)
    except (ValueError, zlib.error) as error:
        failure = BadAnswer(f"the body cannot be decompressed: {error}")
        failure.status = response.code
        raise failure from error
    headers = lowered(response.headers.items())
    del headers["content-encoding"]
    return response._replace(headers=headers, body=body)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer asks to wait for before the next attempt."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        # The length first: Python refuses to convert thousands of digits.
        return float(int(value[:10]))
    if not value:
        return None
    from datetime import datetime, timezone
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())


class Attempt(Step[T]):
    """One exchange of *call* with the server, not repeated and not watched."""

    __slots__ = ("call",)

    def __init__(self, call: Call[T]) -> None:
        self.call = call


class ScopeOptions(TypedDict, total=False):
    """Keywords of every call, besides token and dc, which each signature spells out."""

    #: Enterprise namespace and partition, instead of the client's; Consul CE answers 400 to them.
    ns: str | None
    partition: str | None


class WriteOptions(ScopeOptions, total=False):
    """The same with *timeout*, which two of python-consul's signatures use for something else."""

    #: Seconds for the call, (connect, read), or None for no limit, instead of the client's.
    timeout: Timeout


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
    ns: str | None
    partition: str | None
    limits: Limits
    #: Headers of every request, and what of them must not be shown.
    headers: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]


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
    token: str | None = None,
    dc: str | None = None,
    reads: bool = False,
    index: object = None,
    wait: object = None,
    consistency: str | None = None,
    near: str | None = None,
    body: bytes | None = None,
    json_body: bool = False,
    secrets: tuple[str, ...] = (),
    repeatable: bool = False,
) -> Request:
    """The request of one call: the only place where token, dc and consistency come in.

    *options* are the further keywords of a call: those of `WriteOptions`, with *reads* those of
    `ReadOptions`, and what its own signature lacks of token, dc, index, wait, consistency, near.
    A GET is always *repeatable*.

    Every call comes through here, most of them with nothing but defaults: whatever else there is
    has its own functions, and a loop stands where a comprehension, before Python 3.12, is a call.
    """
    pairs: list[tuple[str, Any]] = []
    for pair in params:
        if pair[1] is not None:
            pairs.append(pair)
    headers, limits, hold = settings.headers, settings.limits, None
    ns, partition = settings.ns, settings.partition
    if options:
        _check(options, _READ_KEYWORDS if reads else _WRITE_KEYWORDS)
        token, dc = options.get("token", token), options.get("dc", dc)
        index, wait = options.get("index", index), options.get("wait", wait)
        consistency, near = options.get("consistency", consistency), options.get("near", near)
        ns, partition = options.get("ns") or ns, options.get("partition") or partition
        if "timeout" in options:
            limits = Limits.of(options["timeout"])
    if index is not None:
        hold = _blocking(index, wait, pairs)
    if near is not None:
        pairs.append(("near", near))
    if reads:
        consistency = consistency or settings.consistency
        if consistency != "default":
            pairs.append((_mode(consistency), "1"))
        if options:
            headers = (*headers, *_read(options, pairs))
    dc = dc or settings.dc
    if dc is not None:
        pairs.append(("dc", dc))
    if ns is not None:
        pairs.append(("ns", ns))
    if partition is not None:
        pairs.append(("partition", partition))
    token = token or settings.token
    if token:
        headers = (*headers, ("X-Consul-Token", header("token", token)))
        secrets = (*secrets, token)
    if body is None and method in ("PUT", "POST"):
        body = b""
    if body is not None:
        kind = "application/json" if json_body else "application/octet-stream"
        headers = (*headers, ("Content-Type", kind))
    return Request(
        method,
        path,
        tuple([(name, text(name, value)) for name, value in pairs]) if pairs else (),
        headers,
        body,
        limits.read if hold is None else limits.deadline(hold),
        limits.connect,
        secrets + settings.secrets,
        hold,
        repeatable or method == "GET",
    )


def _check(options: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = options.keys() - known
    if unknown:
        raise TypeError(f"unexpected keyword argument {', '.join(sorted(unknown))}")


def _mode(consistency: str) -> str:
    if consistency not in CONSISTENCY:
        raise ValueError(f"consistency must be one of {', '.join(CONSISTENCY)}: {consistency!r}")
    return consistency


def _blocking(index: object, wait: object, pairs: list[tuple[str, Any]]) -> float | None:
    """Add *index* and *wait* to *pairs*; the seconds that the server may hold the query."""
    number = _index(index)
    if number is None:
        return None
    pairs.append(("index", number))
    if wait is None:
        return DEFAULT_WAIT
    held = duration("wait", wait)
    hold = seconds("wait", held)
    if hold == 0:
        # Consul takes a zero wait for "not given" and would hold the query for minutes.
        held = "1ms"
    pairs.append(("wait", held))
    return min(hold, 2 * DEFAULT_WAIT)


def _read(options: Mapping[str, Any], pairs: list[tuple[str, Any]]) -> Pairs:
    """Add what is read, and how, to *pairs*; the headers that say more of it."""
    node_meta = options.get("node_meta")
    if node_meta:
        pairs.extend(("node-meta", f"{name}:{value}") for name, value in node_meta.items())
    pairs.extend(
        (name, options[name]) for name in ("filter", "peer") if options.get(name) is not None
    )
    if options.get("max_stale") is not None:
        pairs.append(("max_stale", duration("max_stale", options["max_stale"])))
    if not options.get("cached"):
        return ()
    pairs.append(("cached", "1"))
    control = [
        f"{name.replace('_', '-')}={seconds(name, options[name]):.0f}"
        for name in ("max_age", "stale_if_error")
        if options.get(name) is not None
    ]
    return [("Cache-Control", ", ".join(control))] if control else ()


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
