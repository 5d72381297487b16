"""Snapshots of the state of all servers, /v1/snapshot."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Scope, ServerRead
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.stream import streaming
from consul.recipes import snapshots

if TYPE_CHECKING:
    from os import PathLike
    from typing import Unpack

    from consul.core.request import Call
    from consul.recipes.snapshots import Progress


class SnapshotServer(TypedDict):
    """A server of the cluster that a snapshot is of."""

    #: 0 for a server that votes, 1 for one that does not.
    Suffrage: int
    ID: str
    Address: str


class SnapshotConfiguration(TypedDict):
    """The servers of the cluster that a snapshot is of."""

    Servers: list[SnapshotServer]


class SnapshotMeta(TypedDict):
    """What a snapshot says of itself, in its ``meta.json``."""

    Version: int
    ID: str
    #: The last change of Raft that it has.
    Index: int
    Term: int
    #: The addresses of the servers as old versions of Raft wrote them.
    Peers: NotRequired[str | None]
    Configuration: SnapshotConfiguration
    ConfigurationIndex: int
    #: Bytes of the state, not compressed.
    Size: int


class Snapshot(Noun[F]):
    """Snapshots of the state of all servers, /v1/snapshot.

    They go part by part from the agent to the disk and back.  None is ever held in memory.
    """

    @endpoint("GET /v1/snapshot")
    def save(
        self,
        target: str | PathLike[str] | BinaryIO,
        progress: Progress | None = None,
        *,
        total: float | None = None,
        **options: Unpack[ServerRead],
    ) -> Call[SnapshotMeta]:
        """Save a snapshot to *target*, a path or a binary file; the answer is its ``meta.json``.

        The digests in the snapshot are checked.  A file at a path gets its name when it is on the
        disk as a whole; only its owner can read it, because a snapshot has the secrets of all
        tokens in it.  What was there under the name stays when the save fails.

        *progress* is called with the bytes that have come so far, and None.  The time limit of the
        client, or *timeout*, is that of the head of the answer and of each pause.  *total* is one
        in seconds for all of it.  With ``consistency="stale"`` any server answers, also while there
        is no leader.

        Raises ACLPermissionDenied where the token lacks ``acl:write`` and what else management
        needs, BadAnswer for what is no snapshot or breaks off, OSError where *target* cannot be
        written.

        ``GET /v1/snapshot``
        """
        snapshots.check_target(target)
        snapshots.check_progress(progress)
        call = self._read("save", "/v1/snapshot", answers.raw_body, (), options)
        use: Any = partial(snapshots.save, target=target, progress=progress)
        return streaming(call, use, total)

    @endpoint("PUT /v1/snapshot", repeatable=True)
    def restore(
        self,
        source: str | PathLike[str] | BinaryIO | bytes,
        progress: Progress | None = None,
        *,
        total: float | None = None,
        **options: Unpack[Scope],
    ) -> Call[bool]:
        """Restore the snapshot in *source*, a path, a binary file or bytes.  Return True.

        All that the servers have is replaced.  Blocking queries that wait meanwhile answer once,
        with an index that is too high: start them over without one.

        *source* is read twice, and nothing is sent of what is no snapshot.  One that cannot seek,
        like a pipe, is read once, and the end of what is no snapshot is not sent; then nothing is
        restored, and the call is not repeated.

        *progress* is called with the bytes that were sent so far, and how many there are, None for
        a *source* that cannot seek.  The time limit of the client, or *timeout*, is that of each
        part that is sent, and of the answer.  *total* is one in seconds for all of it.

        Raises ValueError for what is no snapshot, ACLPermissionDenied where the token is not one of
        management, ServerError where the servers refuse it.

        ``PUT /v1/snapshot``
        """
        snapshots.check_source(source)
        snapshots.check_progress(progress)
        call = self._call("restore", "/v1/snapshot", answers.raw_body, (), options)
        use: Any = partial(snapshots.restore, source=source, progress=progress)
        return streaming(call, use, total)
