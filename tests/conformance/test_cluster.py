"""Status, operator, events, transactions, prepared queries: on real servers, in every flavour."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import pytest

from consul import ClientError, ConsulException, NotFound, Timeout, TransactionRolledBack


def test_status(consul, agent):
    leader = consul.status.leader()
    assert leader == f"127.0.0.1:{agent.server_port}"
    assert consul.status.peers() == [leader]


def test_raft_config(consul):
    (server,) = consul.operator.raft_config()["Servers"]
    assert server["Leader"] is True


def test_wait_for_leader(consul):
    assert consul.wait_for_leader() == consul.wait_for_leader(timeout=5) == consul.status.leader()


def test_wait_for_leader_gives_up(make_client):
    from tests.agent import free_ports

    client = make_client(port=free_ports(1)[0])
    with pytest.raises(Timeout, match=r"0\.4 s"):
        client.wait_for_leader(timeout=0.4)


def test_event(consul, prefix):
    fired = consul.event.fire(prefix, b"\x00payload", tag="")
    assert fired["Name"] == prefix
    assert b64decode(fired["Payload"]) == b"\x00payload"
    index, events = None, []
    for _ in range(10):
        index, events = consul.event.list(prefix, index=index, wait="1s")
        if events:
            break
    (event,) = events
    assert event["Payload"] == b"\x00payload"
    assert event["ID"] == fired["ID"]
    assert consul.event.list(prefix).index == index


def test_event_without_payload(consul, prefix):
    fired = consul.event.fire(prefix, service="web", node="n")
    assert fired["Payload"] is None
    assert fired["ServiceFilter"] == "web"
    assert fired["NodeFilter"] == "n"


def operation(verb, key, **more):
    return {"KV": {"Verb": verb, "Key": key, **more}}


def test_transaction(consul, prefix):
    value = b64encode(b"v").decode()
    done = consul.txn.put([operation("set", f"{prefix}/a", Value=value)])
    assert done["Errors"] is None
    (result,) = consul.txn.put([operation("get", f"{prefix}/a")])["Results"]
    assert result["KV"]["Value"] == value
    assert consul.kv.get(f"{prefix}/a").data["Value"] == b"v"


def test_transaction_rolled_back(consul, prefix):
    payload = [
        operation("set", f"{prefix}/a", Value=""),
        operation("check-index", f"{prefix}/missing", Index=5),
    ]
    with pytest.raises(TransactionRolledBack) as caught:
        consul.txn.put(payload)
    assert isinstance(caught.value, ClientError)
    assert caught.value.errors[0]["OpIndex"] == 1
    status, _, body = caught.value.args[0].partition(" ")
    assert status == "409"
    assert json.loads(body)["Errors"] == caught.value.errors
    assert consul.kv.get(f"{prefix}/a").data is None


def test_transaction_of_something_else(consul):
    for payload in ({}, "x", [1]):
        with pytest.raises((TypeError, ValueError), match="payload"):
            consul.txn.put(payload)


def test_life_of_a_prepared_query(consul, prefix):
    made = consul.query.create(
        "consul", prefix, nearestn=2, datacenters=["dc1"], onlypassing=False, tags=[], ttl="10s"
    )
    query_id = made["ID"]
    try:
        (query,) = consul.query.get(query_id)
        assert query["Name"] == prefix
        assert query["Service"]["Service"] == "consul"
        assert query["Service"]["Failover"]["NearestN"] == 2
        assert query["DNS"]["TTL"] == "10s"
        assert query["Template"]["Type"] == ""
        assert query["Token"] == ""
        assert query_id in [one["ID"] for one in consul.query.list()]
        assert consul.query.execute(query_id)["Service"] == "consul"
        assert len(consul.query.execute(prefix, limit=1)["Nodes"]) == 1
        assert consul.query.update(query_id, "consul", f"{prefix}-2") is True
        assert consul.query.get(query_id)[0]["Name"] == f"{prefix}-2"
    finally:
        assert consul.query.delete(query_id) is True
    with pytest.raises(NotFound):
        consul.query.get(query_id)
    with pytest.raises(ConsulException):
        consul.query.execute(prefix)


def test_template_only_when_asked(consul, prefix):
    made = consul.query.create("${name.suffix}", f"{prefix}-", regexp="")
    try:
        explained = consul.query.explain(f"{prefix}-consul")["Query"]
        assert explained["Service"]["Service"] == "consul"
    finally:
        consul.query.delete(made["ID"])


def test_queries_are_authenticated_and_capture_no_token(acl_client, acl_agent, prefix):
    master = acl_client()
    made = master.query.create("consul", prefix)
    try:
        assert master.query.get(made["ID"])[0]["Token"] == ""
    finally:
        master.query.delete(made["ID"])
