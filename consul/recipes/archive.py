"""The archive of a snapshot, checked while it passes by.

It is a tar, compressed by gzip, of ``meta.json``, ``state.bin`` and ``SHA256SUMS``, which has the
digests of the other two.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from typing import Any

#: Bytes of the blocks of a tar.
BLOCK = 512
#: Bytes that are decompressed at a time, however small they are compressed.
STEP = 1 << 18
#: Members that are kept until the end, with the most bytes that each may have.
KEPT = {"meta.json": 1 << 20, "SHA256SUMS": 1 << 16}


class Broken(Exception):
    """It is not a snapshot, or not a whole one."""


class Archive:
    """Takes an archive part by part; `end` returns what its ``meta.json`` says.

    Both raise Broken where it is not a snapshot, or not a whole one.
    """

    def __init__(self) -> None:
        # 16: with the header and checksum of gzip.
        self._unzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._pending = bytearray()
        #: Bytes of the present member that are still to come, and of what fills its last block.
        self._left = self._padding = 0
        self._name = ""
        self._ended = False
        self._digests: dict[str, Any] = {}
        self._kept: dict[str, bytearray] = {}

    def feed(self, part: bytes) -> None:
        """Take the next *part*."""
        try:
            while not self._unzip.eof:
                data = self._unzip.decompress(part, STEP)
                self._untar(data)
                part = self._unzip.unconsumed_tail
                if not part and len(data) < STEP:
                    return
        except zlib.error as error:
            raise Broken(f"it is not compressed by gzip, or is damaged: {error}") from None

    def _untar(self, data: bytes) -> None:
        self._pending += data
        while self._pending and not self._ended:
            if self._left:
                self._take(self._pending[: self._left])
            elif self._padding:
                fill = min(self._padding, len(self._pending))
                self._padding -= fill
                del self._pending[:fill]
            elif len(self._pending) >= BLOCK:
                self._begin(bytes(self._pending[:BLOCK]))
                del self._pending[:BLOCK]
            else:
                return
        if self._ended:
            self._pending.clear()

    def _begin(self, block: bytes) -> None:
        if not block.strip(b"\0"):
            self._ended = True
            return
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
        except tarfile.HeaderError as error:
            raise Broken(f"it is not a tar: {error}") from None
        if member.name in self._digests:
            raise Broken(f"it has {member.name} twice")
        self._name, self._left = member.name, member.size
        self._padding = -member.size % BLOCK
        self._digests[self._name] = hashlib.sha256()
        if self._name in KEPT:
            if member.size > KEPT[self._name]:
                raise Broken(f"its {self._name} is too large: {member.size} bytes")
            self._kept[self._name] = bytearray()

    def _take(self, data: bytearray) -> None:
        self._left -= len(data)
        self._digests[self._name].update(data)
        if self._name in self._kept:
            self._kept[self._name] += data
        del self._pending[: len(data)]

    def end(self) -> Any:
        """Check the digests, and return what ``meta.json`` says."""
        if not self._unzip.eof or self._left or self._padding:
            raise Broken("it breaks off")
        sums = self._kept.get("SHA256SUMS")
        if sums is None or "meta.json" not in self._kept or "state.bin" not in self._digests:
            raise Broken(f"it is not a snapshot: it has {', '.join(self._digests) or 'nothing'}")
        told = {}
        for line in sums.decode("utf-8", "replace").splitlines():
            digest, _, name = line.partition("  ")
            told[name] = digest
        for name in ("meta.json", "state.bin"):
            if told.get(name) != self._digests[name].hexdigest():
                raise Broken(f"the digest of its {name} is wrong")
        try:
            return json.loads(self._kept["meta.json"])
        except ValueError as error:
            raise Broken(f"its meta.json cannot be read: {error}") from None
