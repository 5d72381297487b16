"""Transactions, /v1/txn."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.catalog import Node, StoredService
from consul.api.health import StoredCheck
from consul.api.kv import KVPair
from consul.api.noun import Noun
from consul.api.options import Scope, WithDC
from consul.core import answers
from consul.core.bodies import OPERATION, listed
from consul.core.flavour import F, Flavoured, endpoint, shortcut
from consul.core.values import Flag, Number, Text, body_bytes, flag, number, text

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


class TxnOutcome(TypedDict, total=False):
    """What one operation of a `Transaction` did; it has one of the keys."""

    KV: KVPair
    Node: Node
    Service: StoredService
    Check: StoredCheck


Operations = tuple[dict[str, Any], ...]


class _Verbs(Flavoured[F]):
    """The operations of one kind; each method returns the transaction with one more."""

    def __init__(self, transaction: Transaction[F]) -> None:
        self._transaction = transaction

    def _with(self, kind: str, verb: str, **fields: Any) -> Transaction[F]:
        given = {name: value for name, value in fields.items() if value is not None}
        return self._transaction._with({kind: {"Verb": verb, **given}})


class KVVerbs(_Verbs[F]):
    """Operations on keys.  Values are str, sent as UTF-8, or bytes."""

    def set(
        self, key: Text, value: str | bytes | None, flags: Number | None = None
    ) -> Transaction[F]:
        """Set *key* to *value*."""
        return self._set("set", key, value, flags)

    def cas(
        self, key: Text, value: str | bytes | None, index: Number, flags: Number | None = None
    ) -> Transaction[F]:
        """Set *key* where its ``ModifyIndex`` is *index*, 0 where there is no key; else fail."""
        return self._set("cas", key, value, flags, Index=number("index", index))

    def lock(
        self, key: Text, value: str | bytes | None, session: Text, flags: Number | None = None
    ) -> Transaction[F]:
        """Take the lock of *key* for *session*, and set it; fail where another has it."""
        return self._set("lock", key, value, flags, Session=text("session", session))

    def unlock(
        self, key: Text, value: str | bytes | None, session: Text, flags: Number | None = None
    ) -> Transaction[F]:
        """Give back the lock of *key*, and set it; fail where *session* does not have it."""
        return self._set("unlock", key, value, flags, Session=text("session", session))

    def get(self, key: Text) -> Transaction[F]:
        """Read *key*; fail where there is none."""
        return self._key("get", key)

    def get_or_empty(self, key: Text) -> Transaction[F]:
        """Read *key*, also where there is none (1.14)."""
        return self._key("get-or-empty", key)

    def get_tree(self, prefix: Text) -> Transaction[F]:
        """Read all keys that start with *prefix*."""
        return self._key("get-tree", prefix)

    def check_index(self, key: Text, index: Number) -> Transaction[F]:
        """Fail where the ``ModifyIndex`` of *key* is not *index*."""
        return self._key("check-index", key, Index=number("index", index))

    def check_session(self, key: Text, session: Text) -> Transaction[F]:
        """Fail where *session* does not have the lock of *key*."""
        return self._key("check-session", key, Session=text("session", session))

    def check_not_exists(self, key: Text) -> Transaction[F]:
        """Fail where there is *key*."""
        return self._key("check-not-exists", key)

    def delete(self, key: Text) -> Transaction[F]:
        """Delete *key*."""
        return self._key("delete", key)

    def delete_cas(self, key: Text, index: Number) -> Transaction[F]:
        """Delete *key* where its ``ModifyIndex`` is *index*; else fail."""
        return self._key("delete-cas", key, Index=number("index", index))

    def delete_tree(self, prefix: Text, *, everything: Flag = False) -> Transaction[F]:
        """Delete all keys that start with *prefix*; "" has to be confirmed by *everything*."""
        if not prefix and not flag("everything", everything):
            raise ValueError("prefix is empty, which is the whole store: give everything=True")
        return self._key("delete-tree", prefix)

    def _set(
        self,
        verb: str,
        key: Text,
        value: str | bytes | None,
        flags: Number | None,
        **more: Any,
    ) -> Transaction[F]:
        encoded = b64encode(body_bytes("value", value)).decode()
        flags = None if flags is None else number("flags", flags)
        return self._key(verb, key, Value=encoded, Flags=flags, **more)

    def _key(self, verb: str, key: Text, **more: Any) -> Transaction[F]:
        return self._with("KV", verb, Key=text("key", key), **more)


class NodeVerbs(_Verbs[F]):
    """Operations on nodes: dicts with ``Node`` (the name), ``Address``, ``Meta`` and so on."""

    def set(self, node: Mapping[str, Any]) -> Transaction[F]:
        """Register a node, or replace it."""
        return self._with("Node", "set", Node=node)

    def cas(self, node: Mapping[str, Any], index: Number) -> Transaction[F]:
        """Replace a node where its ``ModifyIndex`` is *index*; else fail."""
        return self._with("Node", "cas", Node={**node, "ModifyIndex": number("index", index)})

    def get(self, name: Text) -> Transaction[F]:
        """Read a node; fail where there is none."""
        return self._with("Node", "get", Node={"Node": text("name", name)})

    def delete(self, name: Text) -> Transaction[F]:
        """Remove a node with all its services and checks."""
        return self._with("Node", "delete", Node={"Node": text("name", name)})

    def delete_cas(self, name: Text, index: Number) -> Transaction[F]:
        """Remove a node where its ``ModifyIndex`` is *index*; else fail."""
        node = {"Node": text("name", name), "ModifyIndex": number("index", index)}
        return self._with("Node", "delete-cas", Node=node)


class ServiceVerbs(_Verbs[F]):
    """Operations on services of the catalog: dicts with ``ID``, ``Service`` (the name) and so on.

    Servers keep no upstreams of them, and Consul 1.8 neither kind, proxy nor tagged addresses:
    register proxies with ``catalog.register``.
    """

    def set(self, node: Text, service: Mapping[str, Any]) -> Transaction[F]:
        """Register a service of *node*, or replace it."""
        return self._service("set", node, service)

    def cas(self, node: Text, service: Mapping[str, Any], index: Number) -> Transaction[F]:
        """Replace a service where its ``ModifyIndex`` is *index*; else fail."""
        return self._service("cas", node, {**service, "ModifyIndex": number("index", index)})

    def get(self, node: Text, service_id: Text) -> Transaction[F]:
        """Read a service; fail where there is none."""
        return self._service("get", node, _service(service_id))

    def delete(self, node: Text, service_id: Text) -> Transaction[F]:
        """Remove a service with its checks."""
        return self._service("delete", node, _service(service_id))

    def delete_cas(self, node: Text, service_id: Text, index: Number) -> Transaction[F]:
        """Remove a service where its ``ModifyIndex`` is *index*; else fail."""
        service = {**_service(service_id), "ModifyIndex": number("index", index)}
        return self._service("delete-cas", node, service)

    def _service(self, verb: str, node: Text, service: Mapping[str, Any]) -> Transaction[F]:
        return self._with("Service", verb, Node=text("node", node), Service=service)


class CheckVerbs(_Verbs[F]):
    """Operations on checks of the catalog: dicts with ``Node``, ``CheckID``, ``Status``."""

    def set(self, check: Mapping[str, Any]) -> Transaction[F]:
        """Register a check, or replace it."""
        return self._with("Check", "set", Check=check)

    def cas(self, check: Mapping[str, Any], index: Number) -> Transaction[F]:
        """Replace a check where its ``ModifyIndex`` is *index*; else fail."""
        return self._with("Check", "cas", Check={**check, "ModifyIndex": number("index", index)})

    def get(self, node: Text, check_id: Text) -> Transaction[F]:
        """Read a check; fail where there is none."""
        return self._with("Check", "get", Check=_check(node, check_id))

    def delete(self, node: Text, check_id: Text) -> Transaction[F]:
        """Remove a check."""
        return self._with("Check", "delete", Check=_check(node, check_id))

    def delete_cas(self, node: Text, check_id: Text, index: Number) -> Transaction[F]:
        """Remove a check where its ``ModifyIndex`` is *index*; else fail."""
        check = {**_check(node, check_id), "ModifyIndex": number("index", index)}
        return self._with("Check", "delete-cas", Check=check)


def _service(service_id: Text) -> dict[str, str]:
    found = text("service_id", service_id)
    # Consul looks for the id, and refuses a deletion without a name.
    return {"ID": found, "Service": found}


def _check(node: Text, check_id: Text) -> dict[str, str]:
    return {"Node": text("node", node), "CheckID": text("check_id", check_id)}


class Transaction(Flavoured[F]):
    """Operations that are applied together, or not at all.

    It is immutable: ``kv``, ``node``, ``service`` and ``check`` have methods that return a
    transaction with one operation more.  `commit` sends it.  Nothing is split: servers take 128
    operations, before Consul 1.14 64, and 512 KiB.
    """

    def __init__(self, client: Any, operations: Operations = ()) -> None:
        self._client = client
        self.operations = operations

    @property
    def kv(self) -> KVVerbs[F]:
        """Operations on keys."""
        return KVVerbs(self)

    @property
    def node(self) -> NodeVerbs[F]:
        """Operations on nodes."""
        return NodeVerbs(self)

    @property
    def service(self) -> ServiceVerbs[F]:
        """Operations on services of the catalog."""
        return ServiceVerbs(self)

    @property
    def check(self) -> CheckVerbs[F]:
        """Operations on checks of the catalog."""
        return CheckVerbs(self)

    @shortcut
    def commit(self, **options: Unpack[Scope]) -> Call[list[TxnOutcome]]:
        """Apply all operations.  Return what each of them did, with values as bytes.

        There is not one outcome for each operation: deletions and checks have none, and reads that
        the token may not do have none either.  So look at the keys of the outcomes.

        Raises TransactionRolledBack when nothing was applied: *errors* has the operations that
        failed, and the message what they are.  Raises ClientError (413) for too many operations,
        ValueError where there is none.

        ``PUT /v1/txn``
        """
        if not self.operations:
            raise ValueError("the transaction has no operations")
        call = self._client.describe.txn.put(self.operations, **options)
        return answers.outcomes(call, [_told(each) for each in self.operations])

    def _with(self, operation: dict[str, Any]) -> Transaction[F]:
        return Transaction(self._client, (*self.operations, operation))

    def __len__(self) -> int:
        return len(self.operations)

    def __repr__(self) -> str:
        return f"<Transaction {', '.join(map(_told, self.operations)) or 'without operations'}>"


def _told(operation: Mapping[str, Any]) -> str:
    """*operation* for messages, without its values."""
    ((kind, fields),) = operation.items()
    about = fields.get("Key")
    if about is None:
        below = fields.get(kind, {})
        about = below.get("ID") or below.get("CheckID") or below.get("Node") or below.get("Service")
    return f"{kind} {fields['Verb']} {about!r}"


class Txn(Noun[F]):
    """Transactions, /v1/txn: several operations, all of them applied or none."""

    def begin(self) -> Transaction[F]:
        """A transaction without operations, to be built up; see `Transaction`."""
        return Transaction(self._client)

    @endpoint("PUT /v1/txn", repeatable=False)
    def put(
        self,
        payload: Sequence[Mapping[str, Any]],
        token: Text | None = None,
        **options: Unpack[WithDC],
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
        return self._call(
            "put", "/v1/txn", answers.transaction, (), options, json=body, token=token
        )
