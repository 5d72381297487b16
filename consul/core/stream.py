"""Requests and answers that are too large for one piece, or that have no end.

A `Streaming` call says how it is used, as steps.  They open it, which sends the request and reads
the head of the answer, and then take one part after another.  So no flavour ever holds more of a
body than a part, and a slow reader slows the server down.

The steps for it are `Open`, `Part` and `Shut` of `consul.core.steps`.  The HTTP client maps them to
the verb ``open`` of the flavour and to the methods of the `Answer` that it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from consul.core import answers
from consul.core.clock import now
from consul.core.request import Call, Request, Response
from consul.core.steps import Now, Open, Part, Shut, Step, Steps
from consul.core.values import limited
from consul.exceptions import BadAnswer, ConsulException, Timeout

if TYPE_CHECKING:
    from typing import Self

    from consul.core.endpoint import Route

T = TypeVar("T")

#: Bytes of the parts in which something is read.
PART = 1 << 16
#: Bytes of the answer that says why there is no stream.
MOST_OF_AN_ERROR = 1 << 20
#: Seconds that are left when the time is over: libraries disagree about a limit of 0.
SHORTEST = 0.001


class Pace:
    """The time limits of a stream: *pause* seconds for each part, *total* for the whole.

    None is no limit.  *pause* counts from the end of one part to the end of the next one.
    """

    __slots__ = ("_end", "_late", "pause", "total")

    def __init__(self, pause: float | None, total: float | None) -> None:
        self.pause, self.total = pause, total
        self._end = None if total is None else now() + total
        self._late = "nothing came for"

    def of_head(self, limit: float | None) -> Pace:
        """The same for what goes before the parts, with a *limit* of its own."""
        pace = Pace(limit, None)
        pace.total, pace._end, pace._late = self.total, self._end, "no answer in"
        return pace

    def left(self) -> float | None:
        """Seconds for what comes next."""
        if self._end is None:
            return self.pause
        left = max(SHORTEST, self._end - now())
        return left if self.pause is None else min(left, self.pause)

    def over(self) -> bool:
        """Whether the time of the whole is up."""
        return self._end is not None and now() >= self._end

    def told(self) -> str:
        """What is wrong when a part came too late."""
        # A timer may ring a little before the end.
        if self._end is not None and (self.pause is None or self.over()):
            return f"it took longer than {self.total:g} s"
        return "no answer in time" if self.pause is None else f"{self._late} {self.pause:g} s"


class Answer(Protocol):
    """What a flavour has of an answer that it reads part by part."""

    code: int
    headers: Mapping[str, str]

    def read(self, seconds: float | None) -> Any:
        """The next part within *seconds*, in the flavour's form; empty at the end."""

    def close(self) -> None:
        """End the connection, unless all of the answer was read.  Closing again does nothing."""


class Upload:
    """A body that is sent part by part.

    *length* is the number of its bytes; None where it is not known before the end.  *again* says
    whether it can be begun more than once.
    """

    length: int | None = None
    again = False
    #: What `part` raised.  A library may raise something else because of it.
    failure: BaseException | None = None

    def begin(self) -> None:
        """Begin at the start."""

    async def _part(self) -> bytes:
        raise NotImplementedError

    async def part(self) -> bytes:
        """The steps to the next part; empty at the end."""
        try:
            return await self._part()
        except BaseException as error:
            self.failure = error
            raise


class Body:
    """The answer to a call, which is read part by part."""

    __slots__ = ("_answer", "_http", "call", "headers", "pace")

    def __init__(self, http: Any, call: Streaming[Any], answer: Answer, pace: Pace) -> None:
        self._http, self._answer = http, answer
        self.call, self.headers, self.pace = call, answer.headers, pace

    async def part(self) -> bytes:
        """The steps to the next part; empty at the end."""
        if self.pace.over():
            raise self._http._named(self.call, self._http.timeout_class(self.pace.told()))
        part = Part(self._answer, self.pace.left())
        return await _performed(self._http, self.call, part, self.pace)

    def bad(self, why: str) -> BadAnswer:
        """The exception for a good answer that is not what was asked for."""
        error = BadAnswer(why)
        error.status = self._answer.code
        named: BadAnswer = self._http._named(self.call, error)
        return named

    async def whole(self, most: int) -> bytes:
        """The steps to all of it, or to its first bytes, *most* or somewhat more."""
        parts, size = [], 0
        while size < most and (part := await self.part()):
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    async def close(self) -> None:
        """The steps that end it.  They may be taken more than once."""
        await Shut(self._answer)


async def _performed(
    http: Any, call: Streaming[Any], step: Step[T], pace: Pace, upload: Upload | None = None
) -> T:
    """The outcome of *step*; what it fails with is raised as an exception of ours."""
    try:
        return await step
    except http.failures as failure:
        error = None if upload is None else upload.failure
        if error is None:
            error = http._meaning(call, failure)
            if isinstance(error, Timeout):
                error.args = (pace.told(),)
    try:
        raise error
    finally:
        # An exception that refers to its own frame is not freed with it.
        del error


#: What `Streaming.use` opens its call with: give it the `Upload` where there is one.
Opening = Callable[..., Steps[Body]]


class Streaming(Call[T]):
    """A call that is sent, or answered, part by part.

    *use* has the steps that open it and make the value of what comes.  *pause* is the limit in
    seconds for each part, *total* that of the whole; None is no limit.  The time limit of the
    request is that of the head of the answer.
    """

    __slots__ = ("pause", "total", "use")

    plain = False
    streams = True

    def __init__(
        self,
        request: Request,
        use: Callable[[Opening], Steps[T]],
        route: Route | None = None,
        pause: float | None = None,
        total: float | None = None,
    ) -> None:
        super().__init__(request, _refuse, route)
        self.use, self.pause = use, pause
        self.total = None if total is None else limited("total", total)

    def with_request(self, request: Request) -> Self:
        """The same call with another request."""
        return type(self)(request, self.use, self.route, self.pause, self.total)


def streaming(
    call: Call[Any], use: Callable[[Opening], Steps[T]], total: float | None
) -> Streaming[T]:
    """*call* as one of which the parts have the time limit of the call, and all have *total*."""
    return Streaming(call.request, use, call.route, call.request.deadline, total)


def _refuse(response: Response) -> Any:
    """Raise what *response* says in place of a stream."""
    raise answers.error(response)


async def opened(open: Opening) -> Body:
    """The steps of a call that is only opened: the `Body`, to be read and closed by who asked."""
    return await open()


async def performing(http: Any, call: Streaming[T]) -> T:
    """The steps of *call*, with the HTTP client *http*."""
    pace = Pace(call.pause, call.total)

    async def open(upload: Upload | None = None) -> Body:
        return await _opening(http, call, pace, upload)

    return await call.use(open)


async def _opening(http: Any, call: Streaming[Any], pace: Pace, upload: Upload | None) -> Body:
    """The steps to the head of the answer, repeated where the `consul.Retry` says so.

    What comes after the head is not repeated: a part of it was handed out.
    """
    limit = call.request.deadline
    # A repeat is limited by the time since the first failure alone: parts may take any time.
    call = call.with_request(_as_it_is(call.request)._replace(deadline=None))

    async def attempt(again: Streaming[Any]) -> Body:
        return await _attempting(http, again, pace, limit, upload)

    began = await Now()
    try:
        return await attempt(call)
    except ConsulException as error:
        if not http._repeats(call, error) or not (upload is None or upload.again):
            raise
        failure = error
    body: Body = await http._repeating(call, failure, began, attempt)
    return body


def _as_it_is(request: Request) -> Request:
    """*request* for an answer that is not compressed."""
    headers = [pair for pair in request.headers if pair[0].lower() != "accept-encoding"]
    return request._replace(headers=(*headers, ("Accept-Encoding", "identity")))


async def _attempting(
    http: Any, call: Streaming[Any], pace: Pace, limit: float | None, upload: Upload | None
) -> Body:
    """The steps of one attempt, with the hooks and the log where somebody wants them."""
    http._refuse_if_closed()

    def head(request: Request) -> Steps[Response]:
        return _head(http, call.with_request(request), pace, limit, upload)

    def read(response: Response) -> Body:
        if isinstance(response.body, Body):
            return response.body
        try:
            failed: Body = call.read(response)
        except ConsulException as error:
            http._named(call, error)
            raise
        return failed

    if http._is_watched():
        settings = http.settings
        body: Body = await http._hooks.attempt_with_hooks(
            call, settings.on_request, settings.on_response, head, read
        )
        return body
    return read(await head(call.request))


async def _head(
    http: Any, call: Streaming[Any], pace: Pace, limit: float | None, upload: Upload | None
) -> Response:
    """The steps of one exchange: the answer with a `Body`, or with bytes where it is no stream."""
    before, request = pace.of_head(limit), call.request
    if upload is not None:
        upload.begin()
        request = request._replace(body=None)
        if upload.length is not None:
            length = ("Content-Length", str(upload.length))
            request = request._replace(headers=(*request.headers, length))
    answer = await _performed(http, call, Open(request, before, upload), before, upload)
    body, kind = Body(http, call, answer, pace), answer.headers.get("content-encoding", "")
    if answer.code == 200 and kind.strip().lower() in ("", "identity"):
        return Response(answer.code, answer.headers, body)
    try:
        if answer.code == 200:
            raise body.bad(f"it is compressed, by {kind}, which was not asked for")
        return Response(answer.code, answer.headers, await body.whole(MOST_OF_AN_ERROR))
    finally:
        await body.close()
