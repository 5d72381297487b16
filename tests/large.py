"""Snapshots of any size: what makes them, serves them, and measures the memory of a client.

    python -m tests.large FLAVOUR PORT FOLDER

saves a snapshot of the server on this port, restores it, and prints the bytes of memory at the most
above those of an idle client.  The server is a `Large` of another process.

    python -m tests.large --mebibytes 2048 [--output docs/streams.rst]

does it in each flavour with a snapshot of this size, and writes a table.  The exit status is 1
where it took more than `MOST`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.faults import Listener

ROOT = Path(__file__).resolve().parent.parent
#: Bytes of memory that a stream may take, whatever passes.
MOST = 20 << 20
PIECE = bytes(range(256)) * 1024


def archive(size: int, level: int = 0) -> Iterator[bytes]:
    """A snapshot whose state has *size* bytes, which *level* 0 does not compress."""
    meta = {"Version": 1, "ID": "2-7-1", "Index": 7, "Term": 2, "Size": size}
    meta |= {"Configuration": {"Servers": []}, "ConfigurationIndex": 1}
    text = json.dumps(meta).encode()
    zipped = zlib.compressobj(level, wbits=31)
    yield zipped.compress(member("meta.json", len(text)) + padded(text))
    yield zipped.compress(member("state.bin", size))
    state = hashlib.sha256()
    for begin in range(0, size, len(PIECE)):
        piece = PIECE[: size - begin]
        state.update(piece)
        yield zipped.compress(piece)
    sums = f"{state.hexdigest()}  state.bin\n{hashlib.sha256(text).hexdigest()}  meta.json\n"
    end = member("SHA256SUMS", len(sums)) + padded(sums.encode()) + bytes(1024)
    yield zipped.compress(bytes(-size % 512) + end) + zipped.flush()


def member(name: str, size: int) -> bytes:
    found = tarfile.TarInfo(name)
    found.size = size
    return found.tobuf()


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


class Large(Listener):
    """Answers GET with a snapshot of *size* bytes, and takes what is PUT.

    *sent* counts the bytes of the present answer, *taken* those of the last body.
    """

    def __init__(self, size: int) -> None:
        self.size, self.sent, self.taken = size, 0, 0
        super().__init__()

    def _serve(self, connection: socket.socket) -> None:
        while True:
            request = b""
            while b"\r\n\r\n" not in request:
                part = connection.recv(1 << 16)
                if not part:
                    return
                request += part
            head, _, body = request.partition(b"\r\n\r\n")
            if head.startswith(b"GET"):
                self.sent = 0
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for part in filter(None, archive(self.size)):
                    connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
                    self.sent += len(part)
                connection.sendall(b"0\r\n\r\n")
                continue
            length = head.lower().partition(b"content-length:")[2]
            left = int(length.partition(b"\r\n")[0]) - len(body)
            self.taken = len(body)
            while left:
                part = connection.recv(min(left, 1 << 16))
                if not part:
                    return
                left -= len(part)
                self.taken += len(part)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def measured(flavour: str, port: int, folder: Path) -> int:
    """Bytes that a client of *flavour* in a process of its own needs above those of an idle one."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.large", flavour, str(port), str(folder)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def memory(name: str) -> int:
    """A line of the kernel's about this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def every(mebibytes: int, output: Path | None) -> int:
    """Measure all flavours; 1 where one needs too much."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    lines += ["   * - Flavour", "     - Memory above idle", "     - Saved and restored in"]
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        for flavour in ("std", "threads", "aio", "tornado", "twisted"):
            with Large(mebibytes << 20) as server:
                began = time.monotonic()
                found = measured(flavour, server.port, Path(folder))
                seconds = time.monotonic() - began
                worst = max(worst, found)
            print(f"{flavour}: {found / 2**20:.1f} MiB, {seconds:.0f} s", flush=True)
            lines += [
                f"   * - ``consul.{flavour}``",
                f"     - {found / 2**20:.1f} MiB",
                f"     - {seconds:.0f} s",
            ]
    if output is not None:
        output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(worst > MOST)


def main(name: str, port: str, folder: str) -> None:
    from tests.flavours import FLAVOURS

    flavour = FLAVOURS[name]()
    client = flavour.client(port=int(port))
    target = Path(folder) / f"{name}.snap"
    # What is made once, by a small one.
    client.snapshot.restore(b"".join(archive(1 << 20)))
    # The peak begins anew.
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    client.snapshot.save(target)
    client.snapshot.restore(target)
    print(memory("VmHWM") - before)
    target.unlink()
    client.close()
    flavour.stop()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--mebibytes"]:
        parser = argparse.ArgumentParser()
        parser.add_argument("--mebibytes", type=int, required=True)
        parser.add_argument("--output", type=Path)
        options = parser.parse_args()
        sys.exit(every(options.mebibytes, options.output))
    main(*sys.argv[1:])
