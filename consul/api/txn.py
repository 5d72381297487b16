"""Transactions, /v1/txn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.catalog import Node, StoredService
from consul.api.health import StoredCheck
from consul.api.noun import Noun
from consul.api.options import Scope
from consul.core import answers
from consul.core.bodies import OPERATION, listed
from consul.core.flavour import F, endpoint

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.request import Call


_OPERATIONS = listed(OPERATION, "operations")


class TxnPair(TypedDict):
    """A key, as transactions answer it."""

    Key: str
    #: Base64; None when it is empty, and after a write.
    Value: str | None
    Flags: int
    LockIndex: int
    #: The session that holds the lock.
    Session: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class TxnResult(TypedDict, total=False):
    """What one operation did; it has one of the keys."""

    KV: TxnPair
    Node: Node
    Service: StoredService
    Check: StoredCheck


class TxnResponse(TypedDict):
    """The answer of a transaction that was applied."""

    #: Not one for each operation: deletions and reads that the token may not do have none.
    Results: list[TxnResult]
    Errors: None
    #: These two only of a transaction that reads.
    LastContact: NotRequired[int]
    KnownLeader: NotRequired[bool]


class Txn(Noun[F]):
    """Transactions, /v1/txn: several operations, all of them applied or none."""

    @endpoint("PUT /v1/txn", repeatable=False)
    def put(
        self, payload: Sequence[Mapping[str, Any]], **options: Unpack[Scope]
    ) -> Call[TxnResponse]:
        """Apply the operations of *payload*.

        Each operation is a dict with one key: ``KV``, ``Node``, ``Service`` or ``Check``.  The
        value is a dict; that of KV has ``Verb`` (str), ``Key`` (str), ``Value`` (base64, a str),
        ``Flags``, ``Index`` (int) and ``Session`` (str).

        Raises TransactionRolledBack when nothing was applied; *errors* has the operations that
        failed.  Raises ClientError (413) for too many operations: Consul takes 128, before 1.14
        64.

        ``PUT /v1/txn``
        """
        body = _OPERATIONS("payload", payload)
        return self._call("put", "/v1/txn", answers.transaction, (), options, json=body)
