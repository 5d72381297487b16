"""A server on the loopback interface that misbehaves as told, below HTTP where that is needed.

GET of `FAULT` meets with the scripted `Fault`; everything else gets a good answer on a connection
that stays open, so that the next call shows what a fault has left behind.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from typing import NamedTuple

FAULT = "/v1/kv/fault"
GOOD = b'[{"Key":"good","Value":"Z29vZA==","Flags":0,"ModifyIndex":7}]'
#: Close with a reset instead of an orderly end.
RESET = struct.pack("ii", 1, 0)


class Fault(NamedTuple):
    """What is sent, and what becomes of the connection: "keep", "close", "reset" or "hang"."""

    sent: bytes
    then: str = "close"


def http(status: str, body: bytes = b"", *fields: str, length: int | None = None) -> bytes:
    """An answer of HTTP; *length* is a wrong one to declare."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *fields]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


class FaultServer:
    """Use it with ``with``; *listens* says whether connections are taken from the beginning."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, listens: bool = True) -> None:
        self.tls = tls
        self.fault = Fault(http("500 Internal Server Error"), "keep")
        #: The head of each request, as text.
        self.requests: list[str] = []
        self._ended = threading.Event()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        if listens:
            self.listen()

    def listen(self) -> None:
        """Take connections from now on."""
        self._listener.settimeout(0.01)
        self._listener.listen()
        self._start(self._accept)

    def paths(self) -> list[str]:
        """The target of each request."""
        return [head.split(" ")[1] for head in self.requests]

    def close(self) -> None:
        """End all connections and threads."""
        self._ended.set()
        # The first thread is the one that adds to both lists.
        for thread in self._threads[:1]:
            thread.join(10)
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def __enter__(self) -> FaultServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="faults", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(None)
            if self.tls is not None:
                connection = self.tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # Whatever the client does to its end is its own affair.
        with connection, contextlib.suppress(OSError):
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            received = b""
            while True:
                while b"\r\n\r\n" not in received:
                    data = connection.recv(65536)
                    if not data:
                        return
                    received += data
                    if received.startswith(b"\x16"):
                        # TLS where none is spoken: as silent as the rest of a "hang".
                        self._hang(connection)
                        return
                head, received = received.split(b"\r\n\r\n", 1)
                self.requests.append(head.decode("latin-1"))
                if not self._answer(connection, self.paths()[-1]):
                    return

    def _answer(self, connection: socket.socket, path: str) -> bool:
        """Answer a request; False when that was the last one of the connection."""
        if path != FAULT:
            fields = () if path.endswith("unindexed") else ("X-Consul-Index: 7",)
            connection.sendall(http("200 OK", GOOD, *fields))
            return True
        fault = self.fault
        connection.sendall(fault.sent)
        if fault.then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        elif fault.then == "hang":
            self._hang(connection)
        return fault.then == "keep"

    def _hang(self, connection: socket.socket) -> None:
        while connection.recv(65536):
            pass
