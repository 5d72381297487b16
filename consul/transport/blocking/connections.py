"""urllib3's connections as the blocking flavour needs them, and requests' adapter made of them.

urllib3 applies its time limit to each read of the socket, so a server that trickles is never too
late.  Here the limit is for the whole answer.  Another thread cannot end urllib3's connections; it
can end these.

Private parts of the libraries that this module relies on, each checked by
``tests/unit/test_private_parts.py``:

* urllib3: ``HTTPConnection._new_conn`` makes the socket, and ``request`` sends the head and the
  body by one ``send`` each;
* http.client: ``HTTPResponse.begin`` sets the attributes that `FastResponse.begin` sets, and reads
  the status line by ``_read_status``.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from errno import ECONNABORTED
from functools import lru_cache, partial
from http.client import HTTPException, HTTPMessage, HTTPResponse, RemoteDisconnected
from queue import Empty, Full
from typing import Any
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from consul.core.address import Address
from consul.core.client import Unsent
from consul.core.request import Request, Response, lower_case_names
from consul.core.settings import MAX_IDLE_CONNECTIONS, Settings
from consul.transport.blocking.runner import Runner, current
from consul.transport.blocking.streams import Reading

#: Status lines of the answers that take the fast path: values, and keys that do not exist.
FAST_STATUS_LINES = {b"HTTP/1.1 200 OK": (200, "OK"), b"HTTP/1.1 404 Not Found": (404, "Not Found")}
#: Interim answers (1xx) before one answer; more of them are a fault.
MOST_INTERIM_ANSWERS = 100
#: Bytes of the largest body that goes out with the head of its request, in one packet.
INLINE_BODY = 1 << 16


class _ThisThread(threading.local):
    #: Seconds in which the present call has to be done; None for no limit.  urllib3 has no place
    #: for it: it would use the limit to connect for sending as well.
    deadline: float | None = None
    #: What tells the seconds for the next part, where the present call is a stream.
    pace: Callable[[], float | None] | None = None


this_thread = _ThisThread()


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket for no longer than *limit* seconds, which it is set to already."""

    end: float | None

    def __init__(self, raw: Any, sock: socket.socket, limit: float) -> None:
        self.raw, self.sock, self.end = raw, sock, time.monotonic() + limit
        self.begun = False

    def renew(self, limit: float | None) -> None:
        """Have *limit* seconds from now on; None for no limit."""
        self.sock.settimeout(limit)
        self.end = None if limit is None else time.monotonic() + limit
        self.begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.begun and self.end is not None:
            left = self.end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self.sock.settimeout(left)
        self.begun = True
        return self.raw.readinto(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self.raw.close()
        super().close()


@lru_cache(64)
def limits(connect: float | None, deadline: float | None) -> Timeout:
    """The time limits as urllib3 takes them, which clones them for each request."""
    if connect is None:
        return Timeout(deadline)
    return Timeout(deadline, connect if deadline is None else min(connect, deadline))


class _HeaderReader:
    """Reads header lines, and raises when the connection closes among them.

    http.client would take the truncated head for a complete one.
    """

    def __init__(self, file: Any) -> None:
        self.file = file

    def readline(self, limit: int) -> bytes:
        line: bytes = self.file.readline(limit)
        if not line.endswith(b"\n") and len(line) < limit:
            raise RemoteDisconnected("closed within the headers")
        return line

    def close(self) -> None:
        self.file.close()


class FastResponse(HTTPResponse):
    """An answer that has to be there in full when the socket's time limit has passed."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        limit, pace = sock.gettimeout(), this_thread.pace
        if pace is not None:
            self.sock, self.reader = sock, _DeadlineReader(self.fp.detach(), sock, 0)
            self.reader.renew(pace())
            self.fp = io.BufferedReader(self.reader)
        elif limit is not None:
            self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, limit))

    def begin(self, **options: Any) -> None:
        """Read status and headers.

        http.client hands the headers to the parser for e-mail, which takes longer than the rest of
        an exchange.  So this reads the head itself where it is as simple as Consul's are: one of
        `FAST_STATUS_LINES`, all of the head in one piece, plain header lines.  *options* are what
        Python 3.15 has to say of further limits.
        """
        head: bytes = self.fp.peek()
        end = head.find(b"\r\n\r\n")
        first = head.find(b"\r\n")
        status = FAST_STATUS_LINES.get(head[:first])
        if status is None or end <= first or options:
            return self._begin_thoroughly(**options)
        message, found = HTTPMessage(), {}
        for line in head[first + 2 : end].decode("latin-1").split("\r\n"):
            name, colon, value = line.partition(":")
            lower, value = name.lower(), value.strip()
            if not colon or not name.replace("-", "").isalnum() or lower in found:
                return self._begin_thoroughly()
            found[lower] = value
            message.set_raw(name, value)
        self.fp.read(end + 4)
        self.version, (self.status, self.reason) = 11, status
        self.code = self.status
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

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status line of the answer, past the interim answers before it.

        http.client skips 100 alone.  It would take any other 1xx for the answer, and the answer for
        that of the next request.  101 ends HTTP on the connection.
        """
        for _ in range(MOST_INTERIM_ANSWERS):
            # typeshed leaves it out.
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not 100 <= found[1] < 200 or found[1] == 101:
                return found
            while self.fp.readline(1 << 16).strip():
                pass
        raise HTTPException("there is no end to the interim answers")

    def _begin_thoroughly(self, **options: Any) -> None:
        whole = self.fp
        lines: Any = _HeaderReader(whole)
        self.fp = lines
        try:
            super().begin(**options)
        finally:
            if self.fp is lines:
                self.fp = whole
        if self.msg.defects:
            # urllib3 would write it to the log, with the URL, and go on.
            raise HTTPException("a line of the answer's head is not a header")


class AbortableConnection:
    """A connection that another thread can end.  It tells its *owner* when it opens."""

    response_class: Any = FastResponse
    timeout: Any
    sock: Any
    #: A duplicate of the socket while the handshake owns it, so that it can be ended as well.
    opening: socket.socket | None = None
    #: The head of a request that waits for its body, and whether a head is to wait.
    _head = b""
    _hold_head = False

    def __init__(self, *args: Any, owner: Pools, **options: Any) -> None:
        super().__init__(*args, **options)
        self.owner = owner
        # Who uses the connection, and what protects that: an abort that comes late must not hit the
        # next call on a connection that went back to the pool.
        self._user: Runner | None = None
        self._lock = threading.Lock()

    def connect(self) -> None:
        # First, so that a handshake can be ended as well.
        self.owner.opens(self)
        runner = self._registered()
        try:
            super().connect()  # type: ignore[misc]
        finally:
            if self.opening is not None:
                self.opening.close()
                self.opening = None
        self.sock.settimeout(this_thread.deadline)
        # The end may have come when there was no socket to shut down.
        self.owner.opens(self)
        if runner is not None:
            runner.uses(self)

    def _registered(self) -> Runner | None:
        runner = current()
        with self._lock:
            self._user = runner
        if runner is not None:
            runner.uses(self)
        return runner

    def abort(self, runner: Runner | None = None) -> None:
        """End the connection; with a *runner*, only if that is using it."""
        with self._lock:
            sock = self.opening or self.sock
            if sock is not None and (runner is None or runner is self._user):
                # A thread that reads from it wakes up and closes it.
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def request(self, method: str, url: str, body: Any = None, *args: Any, **options: Any) -> None:
        if self.sock is not None:
            # A kept connection: the limit to connect does not apply.
            self.timeout = this_thread.deadline
        self._registered()
        self._head = b""
        if body is not None and not isinstance(body, bytes):
            body = self._paced(body)
        else:
            self._hold_head = body is not None and 0 < len(body) <= INLINE_BODY
        try:
            super().request(method, url, body, *args, **options)  # type: ignore[misc]
        finally:
            # Reports of errors show the variables of each frame, and the headers have a token.
            del args, options
            self._head = b""

    def _paced(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """The *parts* of a body, each with a time limit of its own."""
        for part in parts:
            # What gives the parts may have had other calls made.
            self._registered()
            if this_thread.pace is not None:
                self.sock.settimeout(this_thread.pace())
            yield part

    def send(self, data: Any) -> None:
        """Send *data*; the head of a request goes out together with a small body."""
        if self._hold_head:
            self._head, self._hold_head = data, False
            return
        if self._head:
            data, self._head = self._head + data, b""
        try:
            super().send(data)  # type: ignore[misc]
        finally:
            del data

    def _new_conn(self) -> socket.socket:
        """A socket that is connected to the first address that answers.

        As urllib3 makes it, but `abort` can end the attempt.
        """
        connection: Any = self
        try:
            return self._connected(self._places())
        except socket.gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(connection, f"no connection in {self.timeout} s") from error
        except OSError as error:
            raise NewConnectionError(connection, f"no connection: {error}") from error

    def _places(self) -> list[tuple[int, Any]]:
        """Address families and addresses of the host."""
        connection: Any = self
        found = socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
        return [(family, place) for family, _, _, _, place in found]

    def _connected(self, places: list[tuple[int, Any]]) -> socket.socket:
        failure = OSError("the name has no address")
        connection: Any = self
        for family, place in places:
            # A stop that has ended the attempt before is not to begin another one.
            self._registered()
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                for option in connection.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(self.timeout)
                self.opening = sock
                sock.connect(place)
            except BaseException as error:
                sock.close()
                if not isinstance(error, OSError) or self.owner.closed:
                    raise
                failure = error
            else:
                return sock
            finally:
                self.opening = None
        raise failure


class _Connection(AbortableConnection, HTTPConnection):
    pass


class _SecureConnection(AbortableConnection, HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        # The handshake takes the descriptor away from *sock*.
        self.opening = sock.dup()
        return sock


class _UnixConnection(AbortableConnection, HTTPConnection):
    def __init__(self, *args: Any, path: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.path = path

        # Those of TCP.
        self.socket_options = None

    def _places(self) -> list[tuple[int, Any]]:
        return [(socket.AF_UNIX, self.path)]


class _Queue:
    """The idle connections of a pool.

    Not ``queue.LifoQueue``: an exception out of a signal handler that comes while its lock is taken
    leaves it taken, and each later call waits for ever.
    """

    def __init__(self, maxsize: int) -> None:
        self._items: deque[Any] = deque()
        self._most = maxsize

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if len(self._items) >= self._most:
            raise Full
        self._items.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return self._items.pop()
        except IndexError:
            raise Empty from None

    def qsize(self) -> int:
        return len(self._items)


class _Pool(HTTPConnectionPool):
    QueueCls: Any = _Queue


class _SecurePool(HTTPSConnectionPool):
    QueueCls: Any = _Queue


class Pools:
    """The connections of one client: a pool for its agent, and what can end them all.

    Raises OSError where a file that TLS needs cannot be used.
    """

    def __init__(self, address: Address, settings: Settings) -> None:
        self.address = address
        self._open_ones: WeakSet[Any] = WeakSet()
        self.closed = False
        #: What urllib3 is to know of TLS.
        self.secure: dict[str, Any] = {}
        kind: type[HTTPConnectionPool] = _Pool
        if address.scheme == "https":
            kind = _SecurePool
            self.secure["ssl_context"] = settings.tls.context()
            if settings.tls.server_name is not None:
                self.secure["server_hostname"] = settings.tls.server_name
        self._kind = kind
        self.pool = self.made(MAX_IDLE_CONNECTIONS)

    def made(self, most_idle: int) -> HTTPConnectionPool:
        """A pool of connections to the agent, *most_idle* of which are kept."""
        host, port = self.address[:2]
        return self.ours(self._kind(host, port, maxsize=most_idle, **self.secure))

    def ours(self, pool: HTTPConnectionPool) -> HTTPConnectionPool:
        """*pool*, with connections of ours."""
        kind: Any = _Connection
        options: dict[str, Any] = {"owner": self}
        if self.address.socket is not None:
            kind, options["path"] = _UnixConnection, self.address.socket
        elif pool.scheme == "https":
            kind = _SecureConnection
        connect: Any = partial(kind, **options)
        pool.ConnectionCls = connect
        return pool

    def opens(self, connection: AbortableConnection | Reading) -> None:
        """Note *connection*, which `close` has to end; refuse it where that has passed."""
        self._open_ones.add(connection)
        if self.closed:
            raise ConnectionAbortedError(ECONNABORTED, "the client was closed")

    def close(self) -> None:
        """End all connections, those that are in use in other threads as well."""
        # First: a connection that is being made looks at it after it has entered the set.
        self.closed = True
        self.pool.close()
        for connection in list(self._open_ones):
            connection.abort()

    def abandon(self) -> None:
        """Close this process's copies of the connections, which another process uses."""
        for connection in list(self._open_ones):
            descriptor = -1 if connection.sock is None else connection.sock.detach()
            if descriptor != -1:
                # No lock is taken and nothing is sent: it may be the other one's turn.
                os.close(descriptor)
        # Its end would wait for a lock that a thread of the other process may have held.
        _LEFT_TO_PARENT.append(self)


#: Kept for ever, so that nothing of it runs at its end.
_LEFT_TO_PARENT: list[object] = []


class Adapter(HTTPAdapter):
    """requests' adapter over the same connections, for a session that somebody looks at."""

    def __init__(self, pools: Callable[[], Pools]) -> None:
        self.pools = pools
        super().__init__(pool_maxsize=MAX_IDLE_CONNECTIONS)

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
            _LEFT_TO_PARENT.append((adapter.poolmanager, adapter.proxy_manager))
            # What pickling does: the same settings with pools made anew.
            state: Any = adapter
            state.__setstate__(state.__getstate__())


class Connections:
    """What a client reaches its agent by: pools of ours, or a session of requests."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self.pools: Pools | None = None
        self._closed = False
        #: The session that calls go through; None until somebody asks for one.
        self.session: requests.Session | None = settings.session

    def after_fork(self) -> None:
        """Leave the connections to the parent process."""
        self._lock = threading.Lock()
        if self.pools is not None:
            self.pools.abandon()
            self.pools = None
        if self.session is not None:
            abandon(self.session)

    def pools_to(self, address: Address) -> Pools:
        """The connections to *address*, made where there are none.

        Raises `Unsent` where a file that TLS needs cannot be used.
        """
        pools = self.pools
        if pools is not None and pools.address is address:
            return pools
        with self._lock:
            pools = self.pools
            if pools is None or pools.address is not address:
                if pools is not None:
                    pools.close()
                try:
                    pools = self.pools = Pools(address, self._settings)
                except (OSError, ValueError) as error:
                    raise Unsent from error
            if self._closed:
                # The end came while they were made.
                pools.close()
            return pools

    def make_session(self, pools: Callable[[], Pools]) -> requests.Session:
        """The ``requests.Session`` that calls go through from now on."""
        if self.session is None:
            session = requests.Session()
            # What the environment says of proxies and passwords is in the settings already.
            session.trust_env = False
            for start in ("http://", "https://"):
                session.mount(start, Adapter(pools))
            proxy = self._settings.proxy
            if proxy is not None:
                session.proxies = {"http": proxy, "https": proxy}
            self.session = session
        return self.session

    def close(self) -> None:
        """Close what is ours."""
        self._closed = True
        if self.pools is not None:
            self.pools.close()
        if self.session is not None and self._settings.session is None:
            self.session.close()


def fetch(session: requests.Session, url: str, request: Request, settings: Settings) -> Response:
    """The answer to *request*, by a session of requests."""
    reply = begin(session, url, request, request.body, request.deadline, settings)
    if 100 <= reply.status_code < 200:
        # http.client took an interim answer for the answer, which is still to come.
        connection = getattr(reply.raw, "connection", None)
        if connection is not None:
            connection.close()
    headers = lower_case_names(reply.headers.items())
    # requests has decompressed the body.
    headers.pop("content-encoding", None)
    return Response(reply.status_code, headers, reply.content)


def begin(
    session: requests.Session,
    url: str,
    request: Request,
    body: Any,
    limit: float | None,
    settings: Settings,
) -> requests.Response:
    """The answer to *request* with *body*, of which no more than the head is read."""
    options: dict[str, Any] = {}
    if settings.session is None:
        # For an adapter that was mounted instead of ours.
        verify, cert, _ = settings.tls
        options = {"verify": verify if isinstance(verify, (bool, str)) else True, "cert": cert}
    return session.request(
        request.method,
        url,
        headers=dict(request.headers),
        data=body,
        timeout=(request.connect, limit),
        allow_redirects=False,
        stream=True,
        **options,
    )
