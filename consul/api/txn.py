"""Transactions, /v1/txn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.request import Call, WriteOptions


class Txn(Noun):
    """Transactions, /v1/txn: several operations, all of them applied or none."""

    def put(
        self,
        payload: Sequence[Mapping[str, Any]],
        *,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[dict[str, Any]]:
        """Apply the operations of *payload*: a dict with ``Results`` (a list) and ``Errors``.

        Each operation is a dict with one key, ``KV``, ``Node``, ``Service`` or ``Check``.  Its
        value is another: for KV ``Verb`` (str), ``Key`` (str), ``Value`` (base64, a str),
        ``Flags``, ``Index`` (int) and ``Session`` (str).

        Raises TransactionRolledBack, with the failed operations in *errors*, when nothing was
        applied; ClientError (413) for too many operations, 64 before Consul 1.14 and 128 since.

        ``PUT /v1/txn``
        """
        if not isinstance(payload, (list, tuple)):
            raise TypeError(f"payload must be a list of operations, not {type(payload).__name__}")
        for operation in payload:
            if not isinstance(operation, dict):
                raise TypeError(f"payload must hold dicts, not {type(operation).__name__}")
        return self._call(
            "PUT",
            "/v1/txn",
            callback.transaction,
            (),
            options,
            json=payload,
            token=token,
            dc=dc,
        )
