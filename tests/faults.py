"""A server on the loopback interface that misbehaves as told, below HTTP where that is needed.

A request meets with the next `Fault` of the `script`; when that is used up, GET of `FAULT` meets
with `fault`.  Everything else gets a good answer on a connection that stays open, so that the next
call shows what a fault has left behind.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

FAULT = "/v1/kv/fault"
GOOD = b'[{"Key":"good","Value":"Z29vZA==","Flags":0,"ModifyIndex":7}]'
#: Good answers to what is not a GET, by the beginning of the path.
WRITTEN = {
    "/v1/session/create": b'{"ID":"adf4238a-882b-9ddc-4a9d-5b6758e4159e"}',
    "/v1/event/fire": b'{"ID":"b54fe110-7af5-cafc-d1fb-afc8ba432b1c","Name":"deploy"}',
    "/v1/txn": b'{"Results":[],"Errors":null}',
    "": b"true",
}
#: Close with a reset instead of an orderly end.
RESET = struct.pack("ii", 1, 0)
#: Seconds between two bytes of what trickles.
PACE = 0.1


class Fault(NamedTuple):
    """What is sent, and what becomes of the connection: "keep", "close", "reset" or "hang".

    *slow* follows *sent*, a byte at a time.
    """

    sent: bytes
    then: str = "close"
    slow: bytes = b""


def http(status: str, body: bytes = b"", *fields: str, length: int | None = None) -> bytes:
    """An answer of HTTP; *length* is a wrong one to declare."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *fields]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


class Listener:
    """Takes connections on a port of its own, each served in a thread.  Use it with ``with``."""

    def __init__(self, port: int = 0, *, listens: bool = True) -> None:
        self.connections: list[socket.socket] = []
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        if listens:
            self.listen()

    def listen(self) -> None:
        """Take connections from now on."""
        self._listener.settimeout(0.01)
        self._listener.listen(300)
        self._start(self._accept)

    def hang_up(self) -> None:
        """End all connections that there are."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all connections and threads."""
        self._ended.set()
        # The first thread is the one that adds to both lists.
        for thread in self._threads[:1]:
            thread.join(10)
        self.hang_up()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def __enter__(self):  # type: ignore[no-untyped-def]
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _start(self, target: Callable[..., object], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="faults", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(None)
            connection = self._secured(connection)
            self.connections.append(connection)
            self._start(self._serve_quietly, connection)

    def _secured(self, connection: socket.socket) -> socket.socket:
        return connection

    def _serve_quietly(self, connection: socket.socket) -> None:
        # Whatever the client does to its end is its own affair.
        with connection, contextlib.suppress(OSError):
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


def works(client: Any) -> bool:
    """Whether a masked client of a `FaultServer` gets its good answer."""
    index, pair = client.kv.get("good")
    return bool(index == 7 and pair["Value"] == b"good")


class FaultServer(Listener):
    """*listens* says whether connections are taken from the beginning."""

    def __init__(
        self, tls: ssl.SSLContext | None = None, *, port: int = 0, listens: bool = True
    ) -> None:
        self.tls = tls
        self.fault = Fault(http("500 Internal Server Error"), "keep")
        self.script: deque[Fault] = deque()
        #: The head of each request, as text, and when it came.
        self.requests: list[str] = []
        self.times: list[float] = []
        #: Handshakes begun where no TLS is spoken.
        self.greeted = 0
        #: When clients left connections that "hang".
        self.left: list[float] = []
        super().__init__(port, listens=listens)

    def paths(self) -> list[str]:
        """The target of each request."""
        return [head.split(" ")[1] for head in self.requests]

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self.tls is None:
            return connection
        return self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def _serve(self, connection: socket.socket) -> None:
        if isinstance(connection, ssl.SSLSocket):
            connection.do_handshake()
        while (request := message(connection)) is not None:
            if request.startswith(b"\x16"):
                # TLS where none is spoken: as silent as the rest of a "hang".
                self.greeted += 1
                self._hang(connection)
                return
            self.times.append(time.monotonic())
            self.requests.append(request.partition(b"\r\n\r\n")[0].decode("latin-1"))
            method, target = self.requests[-1].split(" ")[:2]
            if not self._answer(connection, method, target.partition("?")[0]):
                return

    def _answer(self, connection: socket.socket, method: str, path: str) -> bool:
        """Answer a request; False when that was the last one of the connection."""
        try:
            fault = self.script.popleft()
        except IndexError:
            if path != FAULT:
                connection.sendall(_good(method, path))
                return True
            fault = self.fault
        connection.sendall(fault.sent)
        for number in fault.slow:
            if self._ended.wait(PACE):
                return False
            connection.sendall(bytes([number]))
        if fault.then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        elif fault.then == "hang":
            self._hang(connection)
        return fault.then == "keep"

    def _hang(self, connection: socket.socket) -> None:
        try:
            while connection.recv(65536):
                pass
        finally:
            self.left.append(time.monotonic())


def message(connection: socket.socket) -> bytes | None:
    """The next message, one at a time, or what looks like TLS; None at the end of them."""
    received, size = bytearray(), None
    while size is None or len(received) < size:
        data = connection.recv(2**18)
        if not data:
            return None
        received += data
        if received.startswith(b"\x16"):
            break
        end = received.find(b"\r\n\r\n") if size is None else -1
        if end >= 0:
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", received[:end])
            size = end + 4 + (int(length[1]) if length else 0)
    return bytes(received)


def _good(method: str, path: str) -> bytes:
    if method != "GET":
        return http(
            "200 OK", next(body for start, body in WRITTEN.items() if path.startswith(start))
        )
    fields = () if path.endswith("unindexed") else ("X-Consul-Index: 7",)
    return http("200 OK", GOOD, *fields)


class Proxy(Listener):
    """Hands requests on to *target*, and drops as many answers as `drops` says."""

    def __init__(self, target: int) -> None:
        self.target = target
        #: Requests that the target has been sent.
        self.passed = 0
        self.drops = 0
        self.dropped = 0
        self._lock = threading.Lock()
        super().__init__()

    def _serve(self, connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self.target)) as server:
            while (request := message(connection)) is not None:
                server.sendall(request)
                with self._lock:
                    self.passed += 1
                answer = message(server)
                if answer is None:
                    return
                if self.drops > self.dropped:
                    self.dropped += 1
                    return
                connection.sendall(answer)
