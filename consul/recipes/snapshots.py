"""Snapshots, saved and restored part by part, so that none is ever held as a whole."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from consul.core.steps import Aside, Invoke, sleep
from consul.core.stream import PART, Upload
from consul.recipes.archive import Archive, Broken

if TYPE_CHECKING:
    from consul.core.stream import Opening

#: Called with the bytes that have passed so far, and how many there will be, where that is known.
Progress = Callable[[int, "int | None"], object]
Place = str | os.PathLike[str]


class _File:
    """A file that is there under its name only when it is whole."""

    def __init__(self, path: Place) -> None:
        self._path = os.path.abspath(os.fspath(path))
        folder, name = os.path.split(self._path)
        if os.path.isdir(self._path):
            raise IsADirectoryError(f"target is a folder: {self._path}")
        # For its owner alone: a snapshot has the secrets of all tokens in it.
        descriptor, self._there = tempfile.mkstemp(".part", f".{name}.", folder)
        self._file: BinaryIO = open(descriptor, "wb", buffering=0)  # noqa: SIM115
        self._folder = folder

    def write(self, part: bytes) -> None:
        _write(self._file, part)

    async def keep(self) -> None:
        """The steps that bring it to the disk and give it its name."""
        # Of a copy: a cancelled recipe closes its own while the thread goes on.
        await Aside(_synced, os.dup(self._file.fileno()))
        self._file.close()
        os.replace(self._there, self._path)
        if hasattr(os, "O_DIRECTORY"):
            await Aside(_synced, os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY))

    def drop(self) -> None:
        """Remove it, unless it was kept."""
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._there)


def _synced(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(file: Any, part: bytes) -> None:
    """Write all of *part*, of which a file without a buffer may take less at a time."""
    view = memoryview(part)
    while view:
        written = file.write(view)
        view = view[len(view) if written is None else written :]


class _Given:
    """A file object of the user's.  Where that can seek, nothing is left of a broken save."""

    def __init__(self, file: Any) -> None:
        self._file, self._kept = file, False
        seekable = getattr(file, "seekable", None)
        self._start = file.tell() if seekable is not None and seekable() else None

    def write(self, part: bytes) -> None:
        _write(self._file, part)

    async def keep(self) -> None:
        flush = getattr(self._file, "flush", None)
        if flush is not None:
            flush()
        self._kept = True

    def drop(self) -> None:
        if not self._kept and self._start is not None:
            self._file.seek(self._start)
            self._file.truncate()


def check_target(target: Any) -> None:
    """Refuse a *target* that nothing can be saved to."""
    if isinstance(target, io.TextIOBase):
        raise TypeError("target must be a binary file, opened with 'wb'")
    if not isinstance(target, (str, os.PathLike)) and not callable(getattr(target, "write", None)):
        raise TypeError(f"target must be a path or a binary file, not {type(target).__name__}")
    if target == "":
        raise ValueError("target must not be empty")


def check_source(source: Any) -> None:
    """Refuse a *source* that nothing can be restored from."""
    if isinstance(source, io.TextIOBase):
        raise TypeError("source must be a binary file, opened with 'rb'")
    kinds = (str, os.PathLike, bytes, bytearray, memoryview)
    if not isinstance(source, kinds) and not callable(getattr(source, "read", None)):
        raise TypeError(f"source must be a path, a binary file or bytes, not {source!r:.40}")
    if isinstance(source, (str, bytes)) and not source:
        raise ValueError("source must not be empty")


def check_progress(progress: Any) -> None:
    """Refuse a *progress* that cannot be called."""
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be a function, not {type(progress).__name__}")


async def save(begin: Opening, target: Any, progress: Progress | None) -> Any:
    """The steps of `consul.api.snapshot.Snapshot.save`."""
    archive, done = Archive(), 0
    # First, so that nothing is asked for that cannot be written.
    file = _File(target) if isinstance(target, (str, os.PathLike)) else _Given(target)
    try:
        body = await begin()
        try:
            while part := await body.part():
                archive.feed(part)
                file.write(part)
                done += len(part)
                if progress is not None:
                    await Invoke(progress, done, None)
                # What else the flavour runs has its turn, also where more has come already.
                await sleep(0)
            meta = archive.end()
        except Broken as error:
            raise body.bad(f"no snapshot: {error}") from None
        finally:
            await body.close()
        await file.keep()
        return meta
    finally:
        file.drop()


class _Source(Upload):
    """A snapshot that is sent; what is no snapshot is not sent to its end."""

    def __init__(self, file: Any, progress: Progress | None) -> None:
        self._file, self._progress = file, progress
        seekable = getattr(file, "seekable", None)
        self.again = bool(seekable is not None and seekable())
        if self.again:
            self._start = file.tell()
            self.length = file.seek(0, os.SEEK_END) - self._start

    async def check(self) -> None:
        """The steps that refuse what is no snapshot, before any of it is sent."""
        self.begin()
        while self._read():
            # What else the flavour runs has its turn.
            await sleep(0)

    def begin(self) -> None:
        self._archive, self._sent = Archive(), 0
        self._next: bytes | None = None
        if self.again:
            self._file.seek(self._start)

    def _read(self) -> bytes:
        """The next part; empty at the end, when all of it is known to be a snapshot."""
        part: bytes = self._file.read(PART)
        if not isinstance(part, bytes):
            raise TypeError(f"source must give bytes, not {type(part).__name__}")
        try:
            if part:
                self._archive.feed(part)
            else:
                self._archive.end()
        except Broken as error:
            raise ValueError(f"source is no snapshot: {error}") from None
        return part

    async def _part(self) -> bytes:
        # The last part waits until all is known to be good: without it, the server does nothing.
        if self._next is None:
            self._next = self._read()
        part = self._next
        if part:
            self._next = self._read()
            self._sent += len(part)
        elif self.length is not None and self._sent != self.length:
            raise ValueError("source has changed while it was read")
        if part and self._progress is not None:
            await Invoke(self._progress, self._sent, self.length)
        # What else the flavour runs has its turn, also where the server takes all at once.
        await sleep(0)
        return part


async def restore(begin: Opening, source: Any, progress: Progress | None) -> bool:
    """The steps of `consul.api.snapshot.Snapshot.restore`."""
    with contextlib.ExitStack() as stack:
        if isinstance(source, (str, os.PathLike)):
            file: Any = stack.enter_context(open(source, "rb"))
        elif isinstance(source, (bytes, bytearray, memoryview)):
            file = io.BytesIO(source)
        else:
            file = source
        upload = _Source(file, progress)
        if upload.again:
            await upload.check()
        body = await begin(upload)
        try:
            await body.whole(PART)
        finally:
            await body.close()
    return True
