"""The asyncio flavour, on aiohttp."""

from __future__ import annotations

import asyncio
import ssl
import time
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

from consul import base, exceptions
from consul.config import UNSET
from consul.lifecycle import Awaited
from consul.request import Call, Response
from consul.steps import Sleep, Step, Steps, drive

try:
    import aiohttp
    import yarl
except ImportError as missing:
    raise ImportError("consul.aio needs aiohttp: pip install 'python-consul[aio]'") from missing

if TYPE_CHECKING:
    from consul._typed.aio import Consul as Base
    from consul.config import Cert
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


class HTTPClient(base.HTTPClient):
    """One agent, reached by an ``aiohttp.ClientSession`` that the first call makes in its loop."""

    def _setup(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context: ssl.SSLContext | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session of the running loop."""
        loop = asyncio.get_running_loop()
        if self._session is not None and self._loop is not None and self._loop is not loop:
            if not self._loop.is_closed():
                raise RuntimeError(f"{self!r} is in use in another event loop; close it there")
            # Its connections went with the loop.
            self._session.detach()
            self._session = None
        if self._session is None:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                # aiohttp's own limit of 100 connections lets blocking queries starve the rest.
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            # A write that may have been done must not be done again unasked; a PUT is not
            # idempotent here (?cas=, ?acquire=).
            self._session._retry_connection = False
        return self._session

    def _ssl(self, url: str) -> ssl.SSLContext | bool:
        if not url.startswith("https:"):
            return True
        if self._context is None:
            self._context = self.tls.context()
        return self._context

    async def send(self, call: Call[T]) -> T:
        """Perform *call* and return its value."""
        request = call.request
        session, url = self.session, self.url(request)
        try:
            async with session.request(
                request.method,
                yarl.URL(url, encoded=True),
                headers=request.headers,
                data=request.body,
                timeout=aiohttp.ClientTimeout(request.deadline, request.connect),
                ssl=self._ssl(url),
                allow_redirects=False,
            ) as reply:
                body = await reply.read()
        except asyncio.TimeoutError as error:
            raise call.timed_out(Timeout) from call.cause(error)
        except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch, ssl.SSLError) as error:
            raise call.failed(TLSError, error) from call.cause(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error.__cause__, ssl.SSLError):
                # The server refused our certificate; in TLS 1.3 that comes after the handshake.
                raise call.failed(TLSError, error) from call.cause(error)
            raise call.failed(ConnectionFailed, error) from call.cause(error)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return call.read(Response(reply.status, headers, body))

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class Consul(Awaited, Base):
    """The asyncio client: each method returns a coroutine.

    Arguments: see `consul.base.Client`; *loop* is accepted for python-consul's sake and not
    looked at, for the loop is the one that runs when the first call is awaited.  Use it with
    ``async with``, or await `close`.
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
        verify: bool | str | None = None,
        cert: Cert = None,
        *,
        timeout: Any = UNSET,
        loop: object = None,
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
        super().__init__(host, port, token, scheme, consistency, dc, verify, cert, timeout=timeout)

    async def perform(self, step: Step[Any]) -> Any:
        """Perform one step of a recipe."""
        if isinstance(step, Call):
            return await self._send(step)
        if isinstance(step, Sleep):
            return await asyncio.sleep(step.seconds)
        return time.monotonic()

    async def run(self, steps: Steps[T]) -> T:
        """Run a recipe to its end."""
        driver = drive(steps, self.perform)
        try:
            pending = driver.send(None)
            while True:
                try:
                    outcome = await pending
                except BaseException as error:
                    pending = driver.throw(error)
                else:
                    pending = driver.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        finally:
            driver.close()

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self.http.close()
