"""The description of one HTTP request: what an endpoint method builds and a flavour executes.

These are named tuples rather than dataclasses: importing `dataclasses` alone takes longer than all
of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import quote

from consul.core.limits import longest_hold
from consul.core.steps import Step
from consul.core.values import duration
from consul.exceptions import ACLPermissionDenied, BadAnswer, ConsulException, RateLimited

if TYPE_CHECKING:
    from typing import Self

    from consul.core.endpoint import Route

T = TypeVar("T")
E = TypeVar("E", bound=ConsulException)

Duration = str | int | float | timedelta
Key = str | bytes
Pairs = Iterable[tuple[str, Any]]

#: How long Consul holds a blocking query that names no wait.
DEFAULT_WAIT = 300.0
#: Seconds that a read has which was to wait, and does not.
PLAIN_READ = 60.0
HIDDEN = "<hidden>"
#: Characters of the shortest secret that is looked for in texts.  A shorter one would hide parts of
#: ordinary words.
SHORTEST_SECRET = 8


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

    Our flavours give a body of bytes and headers that can be looked up in lower case.  Iterating
    over them may give any case: use `consul.core.request.lower_case_names` to display them.
    Adapters of the old interface may use any case, and text for the body.  *content* is the field
    that python-consul2 had.
    """

    code: int
    headers: Mapping[str, str]
    body: Any
    content: Any = None

    def __repr__(self) -> str:
        # Reports of errors show it, and the server may have sent a token back.
        return f"<Response {self.code}, {len(self.body or '')} bytes>"


class Call(Step[T]):
    """A request and how to read its answer.  Immutable; can be performed any number of times.

    *route* (`consul.core.endpoint.Route`) is the endpoint; None for a call that no endpoint method
    made.
    """

    __slots__ = ("_decode", "_request", "_route")

    composite = True
    #: Whether one exchange is all that it takes.
    plain = True
    #: Whether it is sent or answered part by part: see `consul.core.stream`.
    streams = False

    def __init__(
        self, request: Request, decode: Callable[[Response], T], route: Route | None = None
    ) -> None:
        self._request, self._decode, self._route = request, decode, route

    if TYPE_CHECKING:

        @property
        def request(self) -> Request: ...
        @property
        def decode(self) -> Callable[[Response], T]: ...
        @property
        def route(self) -> Route | None: ...
    else:
        # As quick as a property can be: each call looks at its request.
        request = property(attrgetter("_request"), doc="The `Request`.")
        decode = property(attrgetter("_decode"), doc="Makes the value of a `Response`.")
        route = property(attrgetter("_route"), doc="The endpoint, or None.")

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice comes to the same as sending it once."""
        if self.route is None:
            return self.request.method == "GET"
        return self.route.repeats(self.request.params)

    def __repr__(self) -> str:
        return f"<Call {self.request.method} {self.request.redact(self.request.target)}>"

    def within(self, limit: float) -> Self:
        """The same call, to be given up *limit* seconds from its start at the latest.

        A blocking query asks the server for a shorter wait, so that it still answers in time.
        """
        request = self.request
        if request.deadline is not None and request.deadline <= limit:
            return self
        if request.hold is not None:
            margin = 0.0
            if request.deadline is not None:
                margin = request.deadline - longest_hold(request.hold)
            hold = max(0.001, min(request.hold, (limit - margin) * 16 / 17))
            params = tuple(pair for pair in request.params if pair[0] != "wait")
            request = request._replace(
                hold=hold, params=(*params, ("wait", duration("wait", round(hold, 3))))
            )
        return self.with_request(
            request._replace(deadline=limit, connect=min(limit, request.connect or limit))
        )

    def with_request(self, request: Request) -> Self:
        """The same call with another request."""
        return type(self)(request, self.decode, self.route)

    def at_once(self) -> Self:
        """The same read without waiting for a change.

        What is repeated is asked at once: the index may have fallen meanwhile, and a query that
        waits for a higher one would sleep through all changes.
        """
        request = self.request
        if request.hold is None:
            return self
        params = tuple(pair for pair in request.params if pair[0] not in ("index", "hash", "wait"))
        call = self.with_request(request._replace(params=params, hold=None))
        return call if request.deadline is None else call.within(PLAIN_READ)

    def after(self, spent: float) -> Self:
        """The same call when *spent* seconds of its time are over."""
        deadline = self.request.deadline
        # Libraries disagree about a limit of 0, and a negative limit has no meaning.
        return self if deadline is None else self.within(max(0.001, deadline - spent))

    def read(self, response: Response) -> T:
        """What *response* means; an error in it is raised with verb and path."""
        try:
            if "content-encoding" in response.headers:
                response = _decompressed(response)
            return self._decode(response)
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
        if isinstance(error, ACLPermissionDenied):
            error.token_sent = any(name == "X-Consul-Token" for name, _ in request.headers)
        if request.secrets:
            error.args = tuple(
                request.redact(arg) if isinstance(arg, str) else arg for arg in error.args
            )
            if error.body is not None:
                error.body = request.redact(error.body)
        return error

    def reveals(self, text: str) -> bool:
        """Whether *text* has a secret of the request in it."""
        return self.request.redact(text) != text


class Gated(Call[T]):
    """A call with a keyword that older servers ignore: see `consul.core.gate`."""

    __slots__ = ()

    plain = False


def lower_case_names(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
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
    headers = lower_case_names(response.headers.items())
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
    from datetime import datetime
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


class Attempt(Step[T]):
    """One exchange of *call* with the server: no repeats, no hooks, no waiting for a turn."""

    __slots__ = ("call",)

    def __init__(self, call: Call[T]) -> None:
        self.call = call


class Once(Step[T]):
    """One attempt at *call*, with the hooks and in its turn, and without repeats.

    A recipe that goes on by itself takes it: what is repeated behind its back could not be stopped,
    and it knows better how long to wait.
    """

    __slots__ = ("call",)

    composite = True

    def __init__(self, call: Call[T]) -> None:
        self.call = call

    def within(self, limit: float) -> Once[T]:
        """The same, to be given up *limit* seconds from its start at the latest."""
        return Once(self.call.within(limit))
