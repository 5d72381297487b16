"""The asyncio flavour, on aiohttp."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from consul import exceptions
from consul.lifecycle import Awaited
from consul.loops import Looped, at_once
from consul.request import Call, Request, Response, lowered
from consul.steps import Steps

try:
    import aiohttp
    import yarl
except ImportError as missing:
    raise ImportError("consul.aio needs aiohttp: pip install 'python-consul[aio]'") from missing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul._typed.aio import Consul as Base
    from consul.config import Options
    from consul.tls import Cert, Verify
else:
    from consul.base import Consul as Base

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")


class Timeout(exceptions.Timeout, asyncio.TimeoutError):
    """`consul.Timeout` that is asyncio's exception as well."""


class ConnectionFailed(exceptions.ConnectionFailed, aiohttp.ClientError):
    """`consul.ConnectionFailed` that is aiohttp's exception as well."""


class TLSError(exceptions.TLSError, aiohttp.ClientError):
    """`consul.TLSError` that is aiohttp's exception as well."""


class Dropped(aiohttp.ClientError):
    """A connection broke; aiohttp does not know this error, so it does not repeat the request."""


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware that keeps aiohttp from repeating a PUT or DELETE; it may have been done."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        raise Dropped(f"{type(error).__name__}: {error}") from error.__cause__


@lru_cache(64)
def _limits(deadline: float | None, connect: float | None) -> aiohttp.ClientTimeout:
    # Not its "connect", which also counts waiting for a turn that nobody waits for here, and takes
    # a timer for each call.
    return aiohttp.ClientTimeout(total=deadline, sock_connect=connect)


#: Bytes of an answer that may wait to be put together; with aiohttp's own number of them it stops
#: the connection and starts it again many times for a large answer.
READ = 1 << 20

#: What one loop has: a session and, in its keeping, what closes it.
Sessions = dict[asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, AsyncGenerator[None, None]]]


async def _closing(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Closes *session* when it is closed itself, which a loop does at its end.

    So nothing is left open when ``asyncio.run()`` returns, even of a client that is used on.
    """
    try:
        yield
    finally:
        await session.close()


class HTTPClient(Looped):
    """One agent, reached by an ``aiohttp.ClientSession`` that the first call makes in its loop."""

    timeout_class = Timeout

    def _setup(self) -> None:
        super()._setup()
        self._sessions: Sessions = {}
        self._parents: Sessions = {}
        self._context: ssl.SSLContext | None = None

    def forked(self) -> None:
        # Those of the parent's loops: to close them here would end them there.
        self._parents.update(self._sessions)
        self._sessions = {}

    def session(self) -> aiohttp.ClientSession:
        """The session of the running loop."""
        if self.config.session is not None:
            return self.config.session  # type: ignore[no-any-return]
        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is not None:
            return found[0]
        if loop in self._parents:
            raise RuntimeError("this event loop was in use before the fork: make a new one")
        for other in [other for other in self._sessions if other.is_closed()]:
            del self._sessions[other]
        # aiohttp's own limit of 100 connections lets blocking queries starve the rest.
        connector: aiohttp.BaseConnector
        if self.address.socket is None:
            connector = aiohttp.TCPConnector(limit=0)
        else:
            connector = aiohttp.UnixConnector(self.address.socket, limit=0)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers=self.config.headers,
            proxy=self.config.proxy,
            read_bufsize=READ,
        )
        # A write that may have been done must not be done again unasked; a PUT is not idempotent
        # here (?cas=, ?acquire=).  `_once` does the same with public means, and takes longer.
        session._retry_connection = False
        keeper = _closing(session)
        self._sessions[loop] = session, keeper
        at_once(keeper.__anext__())
        return session

    def _options(self, request: Request, url: str) -> dict[str, Any]:
        """How *request* is made; what is not said here costs aiohttp less time."""
        options: dict[str, Any] = {
            "timeout": _limits(request.deadline, request.connect),
            "allow_redirects": False,
        }
        headers, common = request.headers, self.config.headers
        if self.config.session is None and headers[: len(common)] == common:
            # Our session has them.
            headers = headers[len(common) :]
        if headers:
            options["headers"] = headers
        if request.body is not None:
            options["data"] = request.body
        if self.config.session is not None:
            if not request.repeatable:
                others = getattr(self.config.session, "_middlewares", ())
                options["middlewares"] = (*others, _once)
        elif url.startswith("https:"):
            if self._context is None:
                self._context = self.config.tls.context()
            options["ssl"] = self._context
            options["server_hostname"] = self.config.tls.server_name
        return options

    def send(self, call: Call[T]) -> Coroutine[Any, Any, T]:
        """Perform *call* and return its value; repeat it where its `consul.Retry` says so."""
        return self.sent(call)

    async def exchanged(self, call: Call[T]) -> T:
        """Have *call* answered, at once."""
        request, url = call.request, self.url(call.request)
        sent = False
        try:
            session, options = self.session(), self._options(request, url)
            sent = True
            # No "async with": read() gives the connection back, and ends it when it fails.
            reply = await session.request(request.method, yarl.URL(url, encoded=True), **options)
            body = await reply.read()
            if reply.status == 101:
                # It leaves such a connection to another protocol.
                reply.close()
        except asyncio.TimeoutError as error:
            raise call.timed_out(Timeout) from call.cause(error)
        except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch, ssl.SSLError) as error:
            raise call.failed(TLSError, error) from call.cause(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error.__cause__, ssl.SSLError):
                # The server refused our certificate; in TLS 1.3 that comes after the handshake.
                raise call.failed(TLSError, error) from call.cause(error)
            if isinstance(error.__cause__, aiohttp.http_exceptions.ContentEncodingError):
                # Of a session that decompresses.
                raise call.failed(exceptions.BadAnswer, error) from call.cause(error)
            failure = call.failed(ConnectionFailed, error)
            failure.sent = sent and not isinstance(error, aiohttp.ClientConnectorError)
            raise failure from call.cause(error)
        headers: Mapping[str, str] = reply.headers
        if session.auto_decompress:
            headers = lowered(headers.items())
            headers.pop("content-encoding", None)
        return call.read(Response(reply.status, headers, body))

    def run(
        self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None = None
    ) -> Coroutine[Any, Any, T]:
        """Run a recipe to its end; *send* performs its calls, else `send` does."""
        return self.finished(steps, send or self.sent)

    async def close(self) -> None:
        """Close the connections of the running loop, and have other loops close theirs."""
        self.closed = True
        sessions, self._sessions = self._sessions, {}
        for loop, (_, keeper) in sessions.items():
            if loop is asyncio.get_running_loop():
                await keeper.aclose()
            elif not loop.is_closed():
                asyncio.run_coroutine_threadsafe(keeper.aclose(), loop)


class Consul(Awaited, Base):
    """The asyncio client: each method returns a coroutine.

    Arguments: see `consul.base.Client`; *session* is an ``aiohttp.ClientSession``; *loop* is
    accepted for python-consul's sake and not looked at, for a call belongs to the loop in which
    it is awaited.  Use it with ``async with``, or await `close`.
    """

    http: HTTPClient
    client_class = HTTPClient

    def __init__(
        self,
        host: str | None = None,
        port: int | str | None = None,
        token: str | None = None,
        scheme: str | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        verify: Verify | None = None,
        cert: Cert = None,
        *,
        loop: object = None,
        **options: Unpack[Options],
    ) -> None:
        given: Any = token
        if given is not None and not isinstance(given, str):
            # Software written for python-consul passes its application here.
            warnings.warn(
                f"the third argument is the token, not a {type(given).__name__}; it is ignored",
                DeprecationWarning,
                stacklevel=2,
            )
            token = None
        super().__init__(host, port, token, scheme, consistency, dc, verify, cert, **options)

    async def close(self) -> None:
        """Close the connections; open calls fail, later ones are a RuntimeError."""
        await self.http.close()
