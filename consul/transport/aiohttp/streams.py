"""Answers that `consul.aio` reads part by part."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from consul.core.request import lower_case_names
from consul.core.stream import PART
from consul.transport.asyncio_loops import in_time


class Reading:
    """An answer of aiohttp's; it holds back the server while nobody reads."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self.code = reply.status
        self.headers: Mapping[str, str] = lower_case_names(reply.headers.items())
        self._reply = reply

    async def read(self, seconds: float | None) -> bytes:
        """The next part within *seconds*; empty at the end."""
        async with in_time(seconds):
            return await self._reply.content.read(PART)

    def close(self) -> None:
        """End the connection, unless all of the answer was read."""
        self._reply.close()
