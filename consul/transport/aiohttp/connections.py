"""The sessions of a client, one for each event loop.

Private parts of aiohttp that this module relies on, each checked by
``tests/unit/test_private_parts.py``:

* ``ClientSession._retry_connection`` keeps aiohttp from repeating a request.  Where it is gone, the
  middleware `once` does the same by public means, which takes longer;
* ``ClientSession._middlewares`` are those of a session that the user gave;
* ``BaseConnector._get`` takes a kept connection, and its protocol's ``should_close`` says whether
  something was received on it.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import Any

import aiohttp

from consul.core.address import Address
from consul.core.request import Request
from consul.core.settings import Settings
from consul.transport.asyncio_loops import run_unsuspended

#: Bytes of an answer that may wait to be read.  aiohttp's default of 64 KiB pauses and resumes the
#: connection many times for a large answer.
READ_BUFFER = 1 << 20


class Dropped(aiohttp.ClientError):
    """A connection broke; aiohttp does not know this error, so it does not repeat the request."""


async def once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware that keeps aiohttp from repeating a write, which may have been done."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        raise Dropped(f"{type(error).__name__}: {error}") from error.__cause__


@lru_cache(64)
def limits(deadline: float | None, connect: float | None) -> aiohttp.ClientTimeout:
    """The time limits as aiohttp takes them."""
    # Not its "connect": that one counts waiting for a free connection, which nobody does here, and
    # takes a timer for each call.
    return aiohttp.ClientTimeout(total=deadline, sock_connect=connect)


async def _closing(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Closes *session* when it is closed itself, which a loop does at its end.

    So nothing is left open when ``asyncio.run()`` returns, even of a client that is used on.
    """
    try:
        yield
    finally:
        await session.close()


#: Windows has none.
_make_poll = getattr(select, "poll", None)


def _is_silent(protocol: Any) -> bool:
    """Whether nothing was received on an idle connection that nobody has read."""
    if protocol.should_close:
        return False
    sock = protocol.transport.get_extra_info("socket")
    if sock is None or _make_poll is None:
        return True
    # What the loop has not received yet.
    poll = _make_poll()
    poll.register(sock.fileno(), select.POLLIN)
    return not poll.poll(0)


class _Silent(aiohttp.BaseConnector):
    """A connector whose kept connections are only used again when they were silent meanwhile.

    aiohttp only looks at whether they are connected.  Bytes that came unasked, like the 408 of a
    proxy, would be the answer to the next request, and its answer that of the one after it.
    """

    async def _get(self, key: Any, traces: Any) -> Any:
        while True:
            connection: Any = await super()._get(key, traces)
            if connection is None or _is_silent(connection.protocol):
                return connection
            connection.close()


class _Connector(_Silent, aiohttp.TCPConnector):
    pass


class _UnixConnector(_Silent, aiohttp.UnixConnector):
    pass


#: What one loop has: a session and what closes it.
Kept = dict[asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, AsyncGenerator[None, None]]]


class Sessions:
    """The sessions that a client has made, or the one that its user gave."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kept: Kept = {}
        self._left_to_parent: Kept = {}
        self._context: ssl.SSLContext | None = None
        #: Whether a session repeats requests unless a middleware keeps it from that.
        self._repeating = settings.session is not None

    def after_fork(self) -> None:
        """Leave the sessions to the parent process: to close them here would end them there."""
        self._left_to_parent.update(self._kept)
        self._kept = {}

    def session(self, address: Address) -> aiohttp.ClientSession:
        """The session of the running loop."""
        if self._settings.session is not None:
            return self._settings.session  # type: ignore[no-any-return]
        loop = asyncio.get_running_loop()
        found = self._kept.get(loop)
        return self._made(loop, address) if found is None else found[0]

    def _made(self, loop: asyncio.AbstractEventLoop, address: Address) -> aiohttp.ClientSession:
        if loop in self._left_to_parent:
            raise RuntimeError("this event loop was in use before the fork: make a new one")
        for other in [other for other in self._kept if other.is_closed()]:
            del self._kept[other]
        # aiohttp's own limit of 100 connections lets blocking queries starve the rest.
        connector: aiohttp.BaseConnector
        if address.socket is None:
            connector = _Connector(limit=0)
        else:
            connector = _UnixConnector(address.socket, limit=0)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers=self._settings.headers,
            proxy=self._settings.proxy,
            read_bufsize=READ_BUFFER,
        )
        # aiohttp would repeat a PUT after a drop, which is not idempotent here (?cas=).
        self._repeating = not hasattr(session, "_retry_connection")
        session._retry_connection = False
        keeper = _closing(session)
        self._kept[loop] = session, keeper
        run_unsuspended(keeper.__anext__())
        return session

    def options(self, request: Request, secure: bool, body: Any = None) -> dict[str, Any]:
        """How *request* is made; what is not said here costs aiohttp less time.

        *body* is one in place of that of the request.
        """
        options: dict[str, Any] = {
            "timeout": limits(request.deadline, request.connect),
            "allow_redirects": False,
        }
        settings = self._settings
        headers, common = request.headers, settings.headers
        if settings.session is None and headers[: len(common)] == common:
            # Our session sends them.
            headers = headers[len(common) :]
        if headers:
            options["headers"] = headers
        if body is not None or request.body is not None:
            options["data"] = request.body if body is None else body
        if self._repeating and request.method != "GET":
            others = getattr(settings.session, "_middlewares", ())
            options["middlewares"] = (*others, once)
        if secure and settings.session is None:
            if self._context is None:
                self._context = settings.tls.context()
            options["ssl"] = self._context
            options["server_hostname"] = settings.tls.server_name
        return options

    async def close(self) -> None:
        """Close the session of the running loop, and have other loops close theirs."""
        kept, self._kept = self._kept, {}
        for loop, (_, keeper) in kept.items():
            if loop is asyncio.get_running_loop():
                await keeper.aclose()
            elif loop.is_running():
                # One that stands still closes its own at its end, if it ends in order.
                asyncio.run_coroutine_threadsafe(keeper.aclose(), loop)
