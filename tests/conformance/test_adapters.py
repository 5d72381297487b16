"""An adapter of the old interface, as Patroni has one, against real servers."""

from __future__ import annotations

import contextlib

import pytest

from consul import ACLPermissionDenied, NotFound
from tests.adapters import PatroniConsul


@pytest.fixture
def patroni(agent):
    client = PatroniConsul(host=agent.host, port=agent.port)
    with contextlib.closing(client.http):
        yield client


def test_key_values(patroni, prefix):
    assert patroni.kv.put(f"{prefix}/a", "1", cas=0) is True
    assert patroni.kv.put(f"{prefix}/a", "2", cas=0) is False
    index, pairs = patroni.kv.get(f"{prefix}/", recurse=True)
    assert [pair["Value"] for pair in pairs] == [b"1"]
    assert patroni.kv.get(f"{prefix}/a", index=str(index), wait="100ms").data["Value"] == b"1"
    assert patroni.kv.delete(f"{prefix}/", recurse=True) is True
    assert patroni.kv.get(f"{prefix}/a").data is None


def test_a_session_whose_ttl_the_adapter_writes_into_the_body(patroni, prefix):
    session = patroni.session.create(name=prefix, lock_delay=0.001, behavior="delete")
    info = patroni.session.info(session).data
    assert info["TTL"] == "30s"
    assert info["LockDelay"] == 1_000_000
    assert patroni.kv.put(f"{prefix}/leader", "me", acquire=session) is True
    assert patroni.session.renew(session)["ID"] == session
    patroni.session.destroy(session)
    assert patroni.kv.get(f"{prefix}/leader").data is None
    with pytest.raises(NotFound):
        patroni.session.renew(session)


def test_services(patroni, prefix):
    assert patroni.agent.service.register(prefix, tags=["primary"], check={"ttl": "10s"})
    assert patroni.agent.services()[prefix]["Tags"] == ["primary"]
    assert patroni.agent.service.deregister(prefix)


def test_tokens(acl_agent, prefix):
    client = PatroniConsul(host=acl_agent.host, port=acl_agent.port, token="")
    with contextlib.closing(client.http):
        with pytest.raises(ACLPermissionDenied):
            client.kv.put(f"{prefix}/a", "1")
        client.token = acl_agent.token
        assert client.kv.put(f"{prefix}/a", "1") is True
