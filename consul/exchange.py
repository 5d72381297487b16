"""One request on the wire as hooks and the log see it.

What is seen is the same in every flavour, for it is written once, as steps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from consul.request import Attempt, Call, Request, Response, lowered
from consul.steps import Now
from consul.values import merged

T = TypeVar("T")

Hook = Callable[["Exchange"], object]

log = logging.getLogger("consul")


class Exchange:
    """One request on the wire; a repeated one is an exchange of its own.

    *method* (str), *path* (str, no query, no secret): what is asked for.
    *headers* (dict): empty; what a request hook puts here is sent as well.
    *response* (`consul.base.Response` or None): what the server answered, any status.
    *error* (BaseException or None): what the call raises because of it.
    *seconds* (float): how long it took.
    *context* (dict): for hooks to keep things in between request and response.
    """

    __slots__ = (
        "context",
        "error",
        "headers",
        "method",
        "path",
        "response",
        "seconds",
    )

    def __init__(self, request: Request) -> None:
        self.method = request.method
        self.path = request.shown
        self.headers: dict[str, str] = {}
        self.response: Response | None = None
        self.error: BaseException | None = None
        self.seconds = 0.0
        self.context: dict[Any, Any] = {}

    @property
    def status(self) -> int | None:
        """Status of the answer; None where there was none."""
        return None if self.response is None else self.response.code

    def __repr__(self) -> str:
        return f"<Exchange {self.method} {self.path}: {self.status}>"


def _unread(response: Response) -> Response:
    return response._replace(headers=lowered(response.headers.items()))


async def watching(
    call: Call[T],
    before: Iterable[Hook],
    after: Iterable[Hook],
) -> T:
    """The steps of one exchange with the hooks called, and a line in the log."""
    request = call.request
    exchange = Exchange(request)
    for hook in before:
        hook(exchange)
    if exchange.headers:
        request = request._replace(headers=merged(request.headers, exchange.headers))
    began = await Now()
    try:
        exchange.response = await Attempt(Call(request, _unread))
        return call.read(exchange.response)
    except GeneratorExit:
        # The loop is gone, and nothing can be awaited any more.
        raise
    except BaseException as error:
        exchange.error = error
        raise
    finally:
        if exchange.response is not None or exchange.error is not None:
            exchange.seconds = await Now() - began
            _tell(exchange, after)


def _tell(exchange: Exchange, after: Iterable[Hook]) -> None:
    for hook in after:
        hook(exchange)
    if log.isEnabledFor(logging.DEBUG):
        outcome: object = exchange.status
        if outcome is None:
            outcome = type(exchange.error).__name__
        took = exchange.seconds * 1000
        log.debug("%s %s: %s in %.1f ms", exchange.method, exchange.path, outcome, took)
