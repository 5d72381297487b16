"""Adapters written for python-consul and its forks, kept working unmodified.

Such an adapter is a subclass of `consul.base.Consul` with a ``connect()`` (python-consul) or
``http_connect()`` (its forks) that returns an object with no more than
``get/put/delete/post(callback, path, params=, data=[, headers=])``.  What its methods return is
returned as it is.  Nothing outside of this module knows of the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from consul.core.answers import normal
from consul.core.request import DEFAULT_WAIT, SHORTEST_SECRET, Call, Request
from consul.core.values import body_bytes, header, seconds

if TYPE_CHECKING:
    from consul.core.settings import Settings

VERBS = ("get", "put", "post", "delete")
PACKAGE = __name__.partition(".")[0]


def old_connect(client: Any) -> Callable[..., Any] | None:
    """The method of *client*'s class that makes its HTTP client, None where there is none.

    Only classes outside of this library count: `consul.base.Consul` may have a noun of that name.
    The class nearest to *client*'s wins; a class that has both names means the newer one.
    """
    for kind in type(client).__mro__:
        if kind.__module__.partition(".")[0] == PACKAGE:
            continue
        for name in ("http_connect", "connect"):
            if name in vars(kind):
                return getattr(client, name)  # type: ignore[no-any-return]
    return None


def performer(http: Any, native: type) -> Callable[[Call[Any]], Any]:
    """What performs a Call with *http*: its own ``send``, or the verbs of an old adapter.

    A subclass of *native* that overrides a verb expects to be called through it.
    """
    sends = isinstance(http, native) and all(
        getattr(type(http), verb) is getattr(native, verb) for verb in VERBS
    )
    return http.send if sends else OldAdapter(http)


def connect_with(connect: Callable[..., Any], settings: Settings) -> Any:
    """What *connect*, of an old adapter, makes of as many arguments as its signature takes."""
    import inspect

    given = (*settings.address[:3], settings.tls.verify, settings.tls.cert)
    try:
        parameters = inspect.signature(connect).parameters.values()
    except (TypeError, ValueError):
        return connect(*given)
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return connect(*given)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return connect(*given[: sum(kind in positional for kind in kinds)])


#: Parameters that python-consul handed to adapters as numbers.
NUMBERS = frozenset(("cas", "flags", "index", "limit"))


class OldAdapter:
    """Performs Calls through the verbs of an old adapter."""

    def __init__(self, http: Any) -> None:
        self.http = http
        self._takes_headers: dict[str, bool] = {}

    def __call__(self, call: Call[Any]) -> Any:
        if call.streams:
            raise TypeError(f"{type(self.http).__name__} cannot stream: its verbs read all at once")
        request = call.request
        verb = request.method.lower()
        method = getattr(self.http, verb)
        params: list[tuple[str, Any]] = [
            (name, int(value) if name in NUMBERS and value.isdigit() else value)
            for name, value in request.params
        ]
        options: dict[str, Any] = {"params": params}
        if self.takes_headers(verb, method):
            # What is compressed its library may decompress, or not.
            options["headers"] = {k: v for k, v in request.headers if k != "Accept-Encoding"}
        else:
            # The only place where such an adapter has room for a token.
            params.extend(
                ("token", value) for name, value in request.headers if name == "X-Consul-Token"
            )
        if request.body:
            options["data"] = _data(request)
        return method(lambda response: call.read(normal(response)), _unquoted(request), **options)

    def takes_headers(self, verb: str, method: Callable[..., Any]) -> bool:
        known = self._takes_headers.get(verb)
        if known is None:
            import inspect

            try:
                names = inspect.signature(method).parameters
            except (TypeError, ValueError):
                known = False
            else:
                known = "headers" in names
            self._takes_headers[verb] = known
        return known


def _data(request: Request) -> str | bytes | None:
    """The body as old adapters take it: text where it is JSON, so that they may edit it."""
    body = request.body or b""
    return body.decode() if ("Content-Type", "application/json") in request.headers else body


def _unquoted(request: Request) -> str:
    """The path as python-consul handed it over; quoting it was the adapter's business."""
    return unquote(request.path, errors="strict")


def _hold(params: dict[str, Any]) -> float | None:
    """Seconds that the server may hold a query with *params*; None when it does not block."""
    if params.get("index") in (None, "", 0, "0"):
        return None
    wait = params.get("wait")
    return min(seconds("wait", wait), 2 * DEFAULT_WAIT) if wait else DEFAULT_WAIT


def request(
    method: str, path: str, params: Any, data: Any, headers: Any, settings: Settings
) -> Request:
    """The request of a verb called by hand: *path* unquoted, *params* a dict or pairs.

    A ``token`` among *params* goes into the header, out of the URL.
    """
    pairs: list[tuple[str, Any]] = list(
        params.items() if hasattr(params, "items") else params or ()
    )
    given = {name.lower() for name in headers or {}}
    fields: list[tuple[str, str]] = [
        (name, value) for name, value in settings.headers if name.lower() not in given
    ]
    fields += (headers or {}).items()
    token = next((value for name, value in pairs if name == "token" and value), None)
    if token:
        fields.append(("X-Consul-Token", header("token", token)))
    hold = _hold(dict(pairs))
    body = body_bytes("data", data) if method in ("PUT", "POST") or data else None
    if body is not None and not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("Content-Type", "application/octet-stream"))
    return Request(
        method,
        quote(path, safe="/:"),
        tuple((name, str(value)) for name, value in pairs if name != "token" and value is not None),
        tuple(fields),
        body,
        settings.limits.deadline(hold),
        settings.limits.connect,
        (*settings.secrets, *_secrets(fields)),
        hold,
    )


def _secrets(fields: list[tuple[str, str]]) -> list[str]:
    return [
        value
        for name, value in fields
        if name.lower() == "x-consul-token" and len(value) >= SHORTEST_SECRET
    ]
