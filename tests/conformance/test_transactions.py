"""Transactions that are built up, in every flavour."""

from __future__ import annotations

import pytest

from consul import ACLPermissionDenied, BadRequest, ClientError, TransactionRolledBack


@pytest.fixture
def begin(consul):
    return consul._target.txn.begin


@pytest.fixture
def commit(flavour):
    return lambda transaction, **options: flavour.call(transaction.commit, **options)


def test_keys(consul, begin, commit, agent, prefix):
    found = commit(
        begin()
        .kv.set(f"{prefix}/a", b"\xff\x00", flags=5)
        .kv.set(f"{prefix}/b", "ü")
        .kv.cas(f"{prefix}/c", "new", 0)
        .kv.check_not_exists(f"{prefix}/none")
        .kv.get(f"{prefix}/a")
        .kv.get_tree(f"{prefix}/")
    )
    pairs = [each["KV"] for each in found]
    tree = [b"\xff\x00", "ü".encode(), b"new"]
    assert [pair["Value"] for pair in pairs] == [None, None, None, tree[0], *tree]
    assert pairs[3]["Flags"] == 5
    index = pairs[3]["ModifyIndex"]
    commit(begin().kv.check_index(f"{prefix}/a", index).kv.delete_cas(f"{prefix}/a", index))
    assert consul.kv.keys(f"{prefix}/").data == [f"{prefix}/b", f"{prefix}/c"]
    session = consul.session.create(lock_delay=0)
    commit(begin().kv.lock(f"{prefix}/l", "mine", session).kv.check_session(f"{prefix}/l", session))
    assert consul.kv.get(f"{prefix}/l").data["Session"] == session
    commit(begin().kv.unlock(f"{prefix}/l", "free", session).kv.delete(f"{prefix}/b"))
    consul.session.destroy(session)
    if agent.version >= (1, 14):
        (only,) = commit(begin().kv.get_or_empty(f"{prefix}/none"))
        assert only["KV"]["Value"] is None
    commit(begin().kv.delete_tree(f"{prefix}/"))
    assert consul.kv.keys(f"{prefix}/").data == []


def test_the_catalog(consul, begin, commit, prefix):
    node = {"Node": prefix, "Address": "10.0.0.1", "Meta": {"a": "b"}}
    service = {"ID": f"{prefix}-1", "Service": prefix, "Port": 80}
    check = {"Node": prefix, "CheckID": "c", "Name": "c", "Status": "passing"}
    found = commit(begin().node.set(node).service.set(prefix, service).check.set(check))
    assert [next(iter(each)) for each in found] == ["Node", "Service", "Check"]
    assert consul.catalog.service(prefix).data[0]["ServicePort"] == 80
    read = commit(
        begin().node.get(prefix).service.get(prefix, f"{prefix}-1").check.get(prefix, "c")
    )
    indexes = [next(iter(each.values()))["ModifyIndex"] for each in read]
    commit(
        begin()
        .check.cas({**check, "Status": "critical"}, indexes[2])
        .service.cas(prefix, {**service, "Port": 81}, indexes[1])
        .node.cas({**node, "Address": "10.0.0.2"}, indexes[0])
    )
    assert consul.catalog.service(prefix).data[0]["ServicePort"] == 81
    with pytest.raises(TransactionRolledBack):
        commit(begin().check.delete_cas(prefix, "c", indexes[2]))
    with pytest.raises(TransactionRolledBack):
        commit(begin().service.delete_cas(prefix, f"{prefix}-1", indexes[1]))
    with pytest.raises(TransactionRolledBack):
        commit(begin().node.delete_cas(prefix, indexes[0]))
    commit(begin().check.delete(prefix, "c").service.delete(prefix, f"{prefix}-1"))
    commit(begin().node.delete(prefix))
    assert consul.catalog.node(prefix).data is None


def test_a_rollback_says_what_failed(consul, begin, commit, prefix):
    transaction = (
        begin().kv.set(f"{prefix}/a", "secret value").kv.cas(f"{prefix}/b", "secret value", 7)
    )
    with pytest.raises(TransactionRolledBack) as caught:
        commit(transaction)
    assert [each["OpIndex"] for each in caught.value.errors] == [1]
    assert f"operation 1 (KV cas '{prefix}/b')" in str(caught.value)
    assert "secret value" not in str(caught.value)
    assert "secret value" not in repr(transaction)
    assert consul.kv.keys(f"{prefix}/").data == []


def test_a_transaction_is_not_changed(begin, commit, prefix):
    first = begin().kv.set(prefix, "a")
    second = first.kv.get(prefix)
    assert (len(first), len(second)) == (1, 2)
    for _ in range(2):
        assert len(commit(first)) == 1
    assert commit(second)[1]["KV"]["Value"] == b"a"
    commit(begin().kv.delete(prefix))


def test_what_is_refused_before_anything_is_sent(begin):
    for call in (
        lambda: begin().commit(),
        lambda: begin().kv.delete_tree(""),
        lambda: begin().kv.cas("a", "b", -1),
        lambda: begin().kv.set("a", 5),
        lambda: begin().kv.set("a", "b").commit(nonsense=1),
    ):
        with pytest.raises((TypeError, ValueError)):
            call()
    assert len(begin().kv.delete_tree("", everything=True)) == 1


def test_too_many_operations(begin, commit, agent, prefix):
    many = begin()
    for number in range(129):
        many = many.kv.set(f"{prefix}/{number}", "")
    with pytest.raises(ClientError) as caught:
        commit(many)
    assert caught.value.status == 413


def test_rights(acl_client, flavour, acl_agent, prefix):
    anybody = acl_client(token="")._target
    with pytest.raises((ACLPermissionDenied, TransactionRolledBack)):
        flavour.call(anybody.txn.begin().kv.set(prefix, "").commit)
    # A read that is not allowed has no outcome.
    master = acl_client()
    master.kv.put(prefix, "a")
    assert flavour.call(anybody.txn.begin().kv.get_tree(prefix).commit) == []
    with pytest.raises(BadRequest):
        flavour.call(acl_client()._target.txn.begin().node.set({"Node": "n", "Nonsense": 1}).commit)
    master.kv.delete(prefix)
