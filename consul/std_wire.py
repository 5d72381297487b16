"""urllib3's connections as the blocking flavour needs them, and requests' adapter made of them.

urllib3's own time limit is for each read of the socket, so that a server which trickles is never
too late; here it is for the whole answer.  Its connections cannot be ended from another thread;
these can.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import time
from collections.abc import Callable
from functools import lru_cache, partial
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import Any
from weakref import WeakSet

from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from consul.address import Address
from consul.config import KEPT, Config

#: How all the answers begin that matter for speed.
PLAIN = b"HTTP/1.1 200 OK\r\n"
#: Bytes of a body that is copied behind the head of its request rather than sent by itself.
SMALL = 1 << 16


class _Timed(io.RawIOBase):
    """Reads from a socket for no longer than *limit* seconds, which it is set to already."""

    def __init__(self, raw: Any, sock: socket.socket, limit: float) -> None:
        self.raw, self.sock, self.end = raw, sock, time.monotonic() + limit
        self.begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.begun:
            left = self.end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self.sock.settimeout(left)
        self.begun = True
        return self.raw.readinto(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self.raw.close()
        super().close()


class _Connect(float):
    """Seconds to connect in; urllib3 would have the request sent in them as well."""

    #: Seconds for all of it.
    deadline: float | None


@lru_cache(64)
def limits(connect: float | None, deadline: float | None) -> Timeout:
    """The time limits as urllib3 takes them, which clones them for each request."""
    if connect is None:
        return Timeout(deadline)
    seconds = _Connect(connect if deadline is None else min(connect, deadline))
    seconds.deadline = deadline
    # urllib3 takes the lesser of the two; of equal ones that is this one.
    return Timeout(deadline, seconds)


class _Lines:
    """The head of an answer; http.client takes the end of the connection for the end of it, too."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def readline(self, limit: int) -> bytes:
        line: bytes = self.file.readline(limit)
        if not line.endswith(b"\n") and len(line) < limit:
            raise ConnectionResetError("closed within the headers")
        return line

    def close(self) -> None:
        self.file.close()


class _Answer(HTTPResponse):
    """An answer that has to be there in full when the socket's time limit has passed."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        limit = sock.gettimeout()
        if limit is not None:
            self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, limit))

    def begin(self) -> None:
        """Read status and headers: those of a plain 200 that came in one piece without a detour.

        http.client hands headers to the parser for e-mail, which takes longer than the rest of an
        exchange.  Whatever is not as simple as Consul's answers are is left to it.
        """
        head: bytes = self.fp.peek()
        end = head.find(b"\r\n\r\n")
        if not head.startswith(PLAIN) or end < 0:
            return self._thoroughly()
        message, found = HTTPMessage(), {}
        for line in head[len(PLAIN) : end].decode("latin-1").split("\r\n"):
            name, colon, value = line.partition(":")
            lower, value = name.lower(), value.strip()
            if not colon or not name.replace("-", "").isalnum() or lower in found:
                return self._thoroughly()
            found[lower] = value
            message.set_raw(name, value)
        self.fp.read(end + 4)
        self.version, self.code, self.status, self.reason = 11, 200, 200, "OK"
        self.headers = self.msg = message
        self.chunked = found.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = self.length = None
        length = found.get("content-length", "")
        if length.isdigit() and not self.chunked:
            self.length = int(length)
        self.will_close = "close" in found.get("connection", "").lower() or not (
            self.chunked or self.length is not None
        )
        return None

    def _thoroughly(self) -> None:
        whole = self.fp
        lines: Any = _Lines(whole)
        self.fp = lines
        try:
            super().begin()
        finally:
            if self.fp is lines:
                self.fp = whole
        if self.msg.defects:
            # urllib3 would write it to the log, with the URL, and go on.
            raise HTTPException("a header of the answer is none")


class _Ending:
    """What all connections have; each puts itself into *open_ones* when it opens."""

    response_class: Any = _Answer
    timeout: Any
    sock: Any
    #: During the handshake, what can end it.
    opening: socket.socket | None = None
    #: What is to be sent with the body, and whether that is still to come.
    _head = b""
    _waits = False

    def __init__(self, *args: Any, open_ones: WeakSet[Any], **options: Any) -> None:
        super().__init__(*args, **options)
        self.open_ones = open_ones

    def connect(self) -> None:
        # First, so that a handshake can be ended as well.
        self.open_ones.add(self)
        try:
            super().connect()  # type: ignore[misc]
        finally:
            if self.opening is not None:
                self.opening.close()
                self.opening = None
        self.sock.settimeout(self._deadline())

    def request(self, method: str, url: str, body: Any = None, *args: Any, **options: Any) -> None:
        if self.sock is not None:
            # A connection that was kept: there is nothing to be counted to the limit to connect.
            self.timeout = self._deadline()
        self._head, self._waits = b"", isinstance(body, bytes) and 0 < len(body) <= SMALL
        super().request(method, url, body, *args, **options)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        """Send *data*, the head of a request in one piece with a small body."""
        if self._waits:
            self._head, self._waits = data, False
            return
        if self._head:
            data, self._head = self._head + data, b""
        super().send(data)  # type: ignore[misc]

    def _deadline(self) -> float | None:
        timeout = self.timeout
        return timeout.deadline if isinstance(timeout, _Connect) else timeout


class _Connection(_Ending, HTTPConnection):
    pass


class _SecureConnection(_Ending, HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        # The handshake takes the descriptor away from *sock*.
        self.opening = sock.dup()
        return sock


class _UnixConnection(_Ending, HTTPConnection):
    def __init__(self, *args: Any, path: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.path = path

    def _new_conn(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout)
            sock.connect(self.path)
        except OSError as error:
            sock.close()
            raise NewConnectionError(self, f"{self.path}: {error}") from error
        return sock


class Pools:
    """The connections of one client: a pool for its agent, and what can end them all.

    Raises OSError where a file that TLS needs cannot be used.
    """

    def __init__(self, address: Address, config: Config) -> None:
        self.address = address
        self._open_ones: WeakSet[Any] = WeakSet()
        #: What urllib3 is to know of TLS.
        self.secure: dict[str, Any] = {}
        kind: type[HTTPConnectionPool] = HTTPConnectionPool
        if address.scheme == "https":
            kind = HTTPSConnectionPool
            self.secure["ssl_context"] = config.tls.context()
            if config.tls.server_name is not None:
                self.secure["server_hostname"] = config.tls.server_name
        self.pool = self.ours(kind(address.host, address.port, maxsize=KEPT, **self.secure))

    def ours(self, pool: HTTPConnectionPool) -> HTTPConnectionPool:
        """*pool*, with connections of ours."""
        kind: Any = _Connection
        options: dict[str, Any] = {"open_ones": self._open_ones}
        if self.address.socket is not None:
            kind, options["path"] = _UnixConnection, self.address.socket
        elif pool.scheme == "https":
            kind = _SecureConnection
        connect: Any = partial(kind, **options)
        pool.ConnectionCls = connect
        return pool

    def close(self) -> None:
        """End all connections, those that are in use in other threads as well."""
        self.pool.close()
        for connection in list(self._open_ones):
            sock = connection.opening or connection.sock
            if sock is not None:
                # A thread that reads from it wakes up and closes it.
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def abandon(self) -> None:
        """Close this process's copies of the connections, which another process uses."""
        for connection in list(self._open_ones):
            sock = connection.sock
            if sock is not None:
                # No lock is taken and nothing is sent: it may be the other one's turn.
                os.close(sock.detach())
        # Its end would wait for a lock that a thread of the other process may have held.
        _ABANDONED.append(self)


_ABANDONED: list[object] = []


class Adapter(HTTPAdapter):
    """requests' adapter over the same connections, for a session that somebody looks at."""

    def __init__(self, pools: Callable[[], Pools]) -> None:
        self.pools = pools
        super().__init__(pool_maxsize=KEPT)

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The client's own pool, or one to its agent by way of a proxy."""
        pools, proxy = self.pools(), select_proxy(request.url, proxies)
        if not proxy:
            return pools.pool
        host, port, scheme = pools.address[:3]
        manager = self.proxy_manager_for(proxy)
        return pools.ours(
            manager.connection_from_host(host, port, scheme, pool_kwargs=pools.secure)
        )

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: the pool knows, and requests would add its own authorities to ours."""


def abandon(session: Any) -> None:
    """Give a session that another process uses pools of its own."""
    for adapter in session.adapters.values():
        if isinstance(adapter, HTTPAdapter):
            _ABANDONED.append((adapter.poolmanager, adapter.proxy_manager))
            # What pickling does: the same settings with pools made anew.
            state: Any = adapter
            state.__setstate__(state.__getstate__())
