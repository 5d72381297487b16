"""Answers that the blocking flavours read part by part, and bodies that they send so.

Private parts of the libraries that this module relies on, each checked by
``tests/unit/test_private_parts.py``: ``_original_response`` of an answer of urllib3's is that of
http.client, whose ``length`` is what is left of the body.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.client import HTTPException
from typing import Any

import requests
import urllib3

from consul.core.request import lower_case_names
from consul.core.stream import PART
from consul.transport.blocking.runner import Runner, current


class _Sized:
    """Parts of *length* bytes in all, as requests looks for it."""

    def __init__(self, parts: Iterator[bytes], length: int) -> None:
        self._parts, self._length = parts, length

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def __len__(self) -> int:
        return self._length


def sending(part: Callable[[], bytes], length: int | None) -> Iterable[bytes]:
    """A body for urllib3 and requests; *length* is None where it is not known."""
    parts = iter(part, b"")
    return parts if length is None else _Sized(parts, length)


class Reading:
    """An answer of urllib3's, read from its connection, which another thread can end."""

    def __init__(self, reply: Any) -> None:
        self.code: int = reply.status
        self.headers: Mapping[str, str] = reply.headers
        self._reply = reply
        # That of http.client, which gives what is there instead of waiting for more.
        self._response = reply._original_response
        self.sock: socket.socket | None = self._response.sock

    def read(self, seconds: float | None) -> bytes:
        """The next part within *seconds*; empty at the end."""
        runner = current()
        if runner is not None:
            runner.uses(self)
        self._response.reader.renew(seconds)
        try:
            part: bytes = self._response.read1(PART)
        except HTTPException as error:
            raise urllib3.exceptions.ProtocolError(f"the answer broke off: {error}") from error
        if not part and self._response.length:
            # http.client does not say so.
            raise urllib3.exceptions.ProtocolError("the answer broke off")
        return part

    def abort(self, runner: Runner | None = None) -> None:
        """End the connection: a thread that reads from it wakes up."""
        # Not the one of the connection, which is gone where the answer ends with it.
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection."""
        self.abort()
        self._reply.close()


class ReadingOfSession:
    """An answer of requests', by a session."""

    def __init__(self, reply: requests.Response) -> None:
        self.code = reply.status_code
        self.headers = lower_case_names(reply.headers.items())
        self._reply = reply
        self._parts = reply.iter_content(PART)

    def read(self, seconds: float | None) -> bytes:
        """The next part; the limit is the one that the session was given for the head."""
        return next(self._parts, b"")

    def close(self) -> None:
        """End the connection."""
        shutdown = getattr(self._reply.raw, "shutdown", None)
        if shutdown is not None:
            # A thread that reads from it wakes up.
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                shutdown()
        self._reply.close()
