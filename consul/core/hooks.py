"""One request on the wire as hooks and the log see it.

Hooks see the same in every flavour, for this is written once, as steps.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from consul.core.request import Attempt, Call, Request, Response, lower_case_names
from consul.core.steps import Invoke, Now
from consul.core.values import with_headers
from consul.exceptions import ConsulException

T = TypeVar("T")

Hook = Callable[["Exchange"], object]

log = logging.getLogger("consul")


class Exchange:
    """One request on the wire; a repeated one is an exchange of its own.

    *method* (str), *path* (str, no query, no secret): what is asked for.
    *route* (str): the template of the path, like ``/v1/kv/:key``, which all calls of an endpoint
    share.  A request without an endpoint has its path here.
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
        "route",
        "seconds",
    )

    def __init__(self, call: Call[Any]) -> None:
        self.method = call.request.method
        self.path = call.request.shown
        self.route = self.path if call.route is None else call.route.path
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
    return response._replace(headers=lower_case_names(response.headers.items()))


async def attempt_with_hooks(
    call: Call[T],
    before: Iterable[Hook],
    after: Iterable[Hook],
    attempt: Callable[[Request], Awaitable[Response]] | None = None,
    read: Callable[[Response], T] | None = None,
) -> T:
    """The steps of one exchange with the hooks called, and a line in the log.

    *attempt* makes the exchange, and *read* its value, where they are not those of a plain call.
    """
    exchange = Exchange(call)
    for hook in before:
        await _calling(hook, exchange)
    request = call.request
    if exchange.headers:
        request = request._replace(headers=with_headers(request.headers, exchange.headers))
    began = await Now()
    try:
        if attempt is None:
            exchange.response = await Attempt(Call(request, _unread, call.route))
            return call.read(exchange.response)
        response = await attempt(request)
        # What is still to be read is not for hooks.
        body = response.body if isinstance(response.body, bytes) else b""
        exchange.response = _unread(response)._replace(body=body)
        return (read or call.read)(response)
    except GeneratorExit:
        # The loop is gone, and nothing can be awaited any more.
        raise
    except BaseException as error:
        exchange.error = error
        raise
    finally:
        if exchange.response is not None or exchange.error is not None:
            exchange.seconds = await Now() - began
            for hook in after:
                await _calling(hook, exchange)
            _log(exchange)
            # An exception that refers to its own frame is not freed with it.
            del exchange


async def _calling(hook: Hook, exchange: Exchange) -> None:
    """The steps of calling *hook*; what it raises is no reason to repeat the call."""
    try:
        await Invoke(hook, exchange)
    except ConsulException as error:
        error.of_hook = True
        raise


def _log(exchange: Exchange) -> None:
    if log.isEnabledFor(logging.DEBUG):
        outcome: object = exchange.status
        if outcome is None:
            outcome = type(exchange.error).__name__
        took = exchange.seconds * 1000
        log.debug("%s %s: %s in %.1f ms", exchange.method, exchange.path, outcome, took)
