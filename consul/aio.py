"""The asyncio flavour, on aiohttp."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from consul import base, exceptions
from consul.core.client import Fault, Unsent
from consul.core.flavour import Awaited
from consul.core.lifecycle import ClosesAwaited
from consul.core.request import Call, Request, Response, lower_case_names
from consul.core.steps import Steps

try:
    import aiohttp
    import yarl
    from aiohttp.http_exceptions import ContentEncodingError

    from consul.transport.aiohttp.connections import Sessions
    from consul.transport.aiohttp.streams import Reading
except ImportError as missing:
    raise ImportError("consul.aio needs aiohttp: pip install 'python-consul[aio]'") from missing

from consul.transport.asyncio_loops import AsyncioClient, in_time, renew

if TYPE_CHECKING:
    from consul.core.stream import Pace, Upload

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")


class Timeout(exceptions.Timeout, asyncio.TimeoutError):
    """`consul.Timeout` that is asyncio's exception as well."""


class ConnectionFailed(exceptions.ConnectionFailed, aiohttp.ClientError):
    """`consul.ConnectionFailed` that is aiohttp's exception as well."""


class TLSError(exceptions.TLSError, aiohttp.ClientError):
    """`consul.TLSError` that is aiohttp's exception as well."""


TLS_ERRORS = (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch, ssl.SSLError)


class HTTPClient(AsyncioClient):
    """One agent, reached by an ``aiohttp.ClientSession`` that the first call makes in its loop."""

    timeout_class = Timeout
    failures = (aiohttp.ClientError, OSError, ValueError, Unsent)

    def _set_up(self) -> None:
        self._sessions = Sessions(self.settings)

    def _after_fork(self) -> None:
        super()._after_fork()
        self._sessions.after_fork()

    def session(self) -> aiohttp.ClientSession:
        """The session of the running loop."""
        return self._sessions.session(self.settings.address)

    async def exchange(self, request: Request) -> Response:
        """The answer of the server to *request*."""
        session, sending = self._sending_by_session(request)
        # No "async with": read() gives the connection back, and ends it when it fails.
        reply = await sending
        body = await reply.read()
        if reply.status == 101:
            # It leaves such a connection to another protocol.
            reply.close()
        headers: Mapping[str, str] = reply.headers
        if session.auto_decompress:
            headers = lower_case_names(headers.items())
            headers.pop("content-encoding", None)
        return Response(reply.status, headers, body)

    def _sending_by_session(
        self, request: Request, body: Any = None
    ) -> tuple[aiohttp.ClientSession, Any]:
        """The session of the running loop, and what sends *request* with *body* when awaited."""
        try:
            address = self.settings.address
            session = self._sessions.session(address)
            url = yarl.URL(self._base_uri + request.target, encoded=True)
            # The options are in no variable: reports of errors show those, and there is a token.
            return session, session.request(
                request.method,
                url,
                **self._sessions.options(request, address.scheme == "https", body),
            )
        except (OSError, ValueError) as error:
            raise Unsent from error

    async def open(self, request: Request, pace: Pace, upload: Upload | None) -> Reading:
        """The answer of the server to *request*, to be read part by part."""
        async with in_time(pace.left()) as timer:

            async def parts(upload: Upload) -> AsyncIterator[bytes]:
                while part := await self._finish(upload.part(), self._perform):
                    renew(timer, pace.left())
                    yield part
                renew(timer, pace.left())

            body = None if upload is None else parts(upload)
            reply = await self._sending_by_session(request, body)[1]
        return Reading(reply)

    def classify(self, error: BaseException) -> Fault:
        """What a failure of aiohttp means."""
        if isinstance(error, asyncio.TimeoutError):
            return Fault(Timeout)
        # In TLS 1.3 a server refuses our certificate after the handshake.
        if isinstance(error, TLS_ERRORS) or isinstance(error.__cause__, ssl.SSLError):
            return Fault(TLSError)
        if isinstance(error.__cause__, ContentEncodingError):
            # Of a session that decompresses.
            return Fault(exceptions.BadAnswer)
        return Fault(ConnectionFailed, not isinstance(error, aiohttp.ClientConnectorError))

    def send(self, call: Call[T]) -> Coroutine[Any, Any, T]:
        """Perform *call* and return its value; repeat it where its `consul.Retry` says so."""
        coroutine: Any = self._send(call)
        # Python names it when it is never awaited.
        coroutine.__qualname__ = call.request.method if call.route is None else call.route.name
        return coroutine  # type: ignore[no-any-return]

    def run(
        self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None
    ) -> Coroutine[Any, Any, T]:
        """Run a recipe to its end; *send* performs its calls in place of our own."""
        return self._run(steps, send)

    async def close(self) -> None:
        """End the tasks and close the connections, in other loops as well."""
        await self._end_tasks()
        await self._sessions.close()


class Consul(ClosesAwaited, base.Consul[Awaited]):
    """The asyncio client: each method returns a coroutine.

    Arguments: see `consul.base.Consul`; *session* is an ``aiohttp.ClientSession``; *loop* is
    accepted for python-consul's sake and ignored: a call belongs to the loop in which it is
    awaited.  Use it with ``async with``, or await `close`.
    """

    http: HTTPClient
    client_class = HTTPClient
    _foreign_options = ("workers",)

    def _given_token(self, token: Any) -> str | None:
        if token is None or isinstance(token, str):
            return token
        # Software written for python-consul passes its application here.
        warnings.warn(
            f"the third argument is the token, not a {type(token).__name__}; it is ignored",
            DeprecationWarning,
            stacklevel=3,
        )
        return None

    async def close(self) -> None:
        """Close the connections; open calls fail, later ones raise `consul.Closed`."""
        await self.http.close()
