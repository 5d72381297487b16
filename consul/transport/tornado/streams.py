"""Answers that `consul.tornado` reads part by part, and bodies that it sends so."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, RequestStartLine

from consul.core.request import lower_case_names
from consul.transport.asyncio_loops import in_time
from consul.transport.tornado.connections import PARAMETERS, Answer, Stream


class Reading(Answer):
    """An answer of Tornado's `HTTP1Connection`, which waits until each part was taken.

    *leave* is called when the connection is not needed any more.
    """

    code = 0
    headers: Any = None

    def __init__(self, stream: Stream, leave: Callable[[Stream], None]) -> None:
        super().__init__(stream)
        # What has come is handed over, however little it is.
        stream.whole = False
        stream.on_close = self._stop_waiting
        self._leave = leave
        self._parts: deque[tuple[bytes, asyncio.Future[None]]] = deque()
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._ended = False

    async def begin(
        self,
        start: RequestStartLine,
        headers: HTTPHeaders,
        parts: AsyncIterable[bytes] | None,
        left: Callable[[], float | None],
    ) -> None:
        """Send a request, with *parts* as its body, and read the head of the answer.

        What comes next always has the seconds that are *left* for it.
        """
        try:
            connection = HTTP1Connection(self.stream, True, PARAMETERS)
            connection.write_headers(start, headers)
            self._reader = asyncio.ensure_future(self._read(connection))
            if await self._sent(connection, parts, left):
                connection.finish()
            async with in_time(left()):
                while not self.code and not self._ended:
                    await self._change()
            if not self.code:
                self._raise()
        except BaseException:
            self.close()
            raise

    async def _sent(
        self,
        connection: HTTP1Connection,
        parts: AsyncIterable[bytes] | None,
        left: Callable[[], float | None],
    ) -> bool:
        """Whether all the *parts* were sent: the server may answer before it has them."""
        if parts is not None:
            async for part in parts:
                if self.code or self._ended:
                    return False
                # One that is given up is not to end the stream's own future.
                writing = asyncio.ensure_future(connection.write(part))
                async with in_time(left()):
                    while not (writing.done() or self.code or self._ended):
                        await self._change(writing)
                with contextlib.suppress(asyncio.CancelledError):
                    if writing.done() and writing.exception() is not None:
                        return False
        return True

    async def _read(self, connection: HTTP1Connection) -> None:
        stream = self.stream
        try:
            await connection.read_response(self)
            if not self.complete:
                raise stream.error or ConnectionError("Tornado cannot read the answer")
            if stream.error and not stream.declared:
                # The connection broke, which looked like the end of the body.
                raise stream.error
        except Exception as error:
            self._failure = error
        finally:
            self._ended = True
            self._changed.set()
            stream.close()
            self._leave(stream)

    async def _change(self, other: asyncio.Future[Any] | None = None) -> None:
        """Wait for the next change, or for *other*."""
        if other is not None:
            other.add_done_callback(lambda _: self._changed.set())
        await self._changed.wait()
        self._changed.clear()

    def _raise(self) -> None:
        raise self._failure or ConnectionError("the stream was closed")

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> None:
        super().headers_received(start_line, headers)
        if start_line.code >= 200:
            found: Mapping[str, str] = lower_case_names(headers.get_all())
            self.code, self.headers = start_line.code, found
            self._changed.set()

    def data_received(self, chunk: bytes) -> asyncio.Future[None]:  # type: ignore[override]
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.stream.closed():
            # The rest is nobody's.
            taken.set_result(None)
        else:
            self._parts.append((chunk, taken))
            self._changed.set()
        return taken

    def _stop_waiting(self) -> None:
        """Have the reader go on, which sees that the connection has ended."""
        for _, taken in self._parts:
            if not taken.done():
                taken.set_result(None)

    async def read(self, seconds: float | None) -> bytes:
        """The next part within *seconds*; empty at the end."""
        async with in_time(seconds):
            while not self._parts and not self._ended:
                await self._change()
        if self._parts:
            part, taken = self._parts.popleft()
            if not taken.done():
                taken.set_result(None)
            return part
        if self._failure is not None:
            self._raise()
        return b""

    def close(self) -> None:
        """End the connection."""
        self.stream.close()
        self._parts.clear()
