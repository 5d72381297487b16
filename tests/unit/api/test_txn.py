import pytest

from consul.base import Consul
from consul.core.request import Response
from consul.exceptions import TransactionRolledBack

C = Consul()


def test_txn():
    for payload in ("x", {"KV": {}}, ["KV"]):
        with pytest.raises(TypeError, match="payload"):
            C.txn.put(payload)
    made = C.txn.put([])
    assert made.request.body == b"[]"
    with pytest.raises(TransactionRolledBack) as caught:
        made.read(Response(409, {}, b'{"Errors": [{"OpIndex": 0, "What": "no"}]}'))
    assert caught.value.errors == [{"OpIndex": 0, "What": "no"}]


def test_it_is_not_repeated():
    # Its operations may be conditional.
    assert not C.txn.put([]).repeatable
