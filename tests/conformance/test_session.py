"""Sessions and the locks they hold, on real servers, in every flavour."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest

from consul import ACLPermissionDenied, Check, ConsulException, NotFound, ServerError, UnknownCheck
from tests.conformance.test_agent import until


def test_life_of_a_session(consul, agent):
    session = consul.session.create(name="web", ttl=20, lock_delay=0.001, behavior="delete")
    index, info = consul.session.info(session)
    assert index > 0
    assert info["ID"] == session
    assert info["Name"] == "web"
    assert info["TTL"] == "20s"
    assert info["Behavior"] == "delete"
    assert info["LockDelay"] == 1_000_000
    assert session in [one["ID"] for one in consul.session.list().data]
    assert session in [one["ID"] for one in consul.session.node(agent.name).data]
    assert consul.session.renew(session)["ID"] == session
    assert consul.session.destroy(session) is True
    assert consul.session.info(session).data is None
    with pytest.raises(NotFound):
        consul.session.renew(session)


@pytest.mark.parametrize("ttl", ["30s", 30, 30.0, timedelta(seconds=30)])
def test_forms_of_a_ttl(consul, ttl):
    session = consul.session.create(ttl=ttl, checks=[])
    assert consul.session.info(session).data["TTL"] == "30s"
    consul.session.destroy(session)


def test_session_without_any_argument(consul):
    session = consul.session.create()
    info = consul.session.info(session).data
    assert info["LockDelay"] == 15_000_000_000
    assert info["Behavior"] == "release"
    consul.session.destroy(session)


@pytest.mark.behaviour("Endpoints", "a session from what another one answers")
@pytest.mark.parametrize("ttl", [None, "60s"])
def test_a_session_from_what_was_read(consul, ttl):
    first = consul.session.create(ttl=ttl, lock_delay="5s", behavior="delete")
    read = consul.session.info(uuid.UUID(first)).data
    # Nanoseconds, which would be 158 years.
    with pytest.raises(ValueError, match=r"^lock_delay is in seconds"):
        consul.session.create(lock_delay=read["LockDelay"])
    second = consul.session.create(
        read["Name"],
        read["Node"],
        lock_delay=f"{read['LockDelay']}ns",
        behavior=read["Behavior"],
        ttl=read["TTL"],
    )
    again = consul.session.info(second).data
    for field in ("Name", "Node", "LockDelay", "Behavior", "TTL"):
        assert again[field] == read[field]
    for session in (first, second):
        assert consul.session.destroy(session) is True


def test_checks_that_end_a_session(consul, prefix):
    consul.agent.service.register(prefix, check=Check.ttl("60s", status="passing"))
    try:
        until(lambda: consul.health.checks(prefix).data)
        check = f"service:{prefix}"

        def read(**checks):
            session = consul.session.create(lock_delay=0, **checks)
            return consul.session.info(session).data

        for none in ({"node_checks": []}, {"checks": []}):
            found = read(**none)
            assert (found["NodeChecks"], found["ServiceChecks"]) == ([], None)
        # The older form adds to the check of the node, where the new one is instead of it.
        found = read(checks=[check])
        assert (found["NodeChecks"], found["Checks"]) == (["serfHealth"], [check])
        found = read(node_checks=[check])
        assert (found["NodeChecks"], found.get("Checks")) == ([check], None)
        found = read(node_checks=[], service_checks=[{"ID": check}])
        assert found["NodeChecks"] == []
        assert [one["ID"] for one in found["ServiceChecks"]] == [check]
        consul.agent.check.ttl_fail(check)
        until(lambda: consul.session.info(found["ID"]).data is None)
    finally:
        consul.agent.service.deregister(prefix)


def test_what_a_session_cannot_have(consul, prefix):
    for checks in (
        {"checks": [prefix]},
        {"node_checks": [prefix]},
        {"service_checks": [{"ID": prefix}]},
    ):
        with pytest.raises(UnknownCheck, match=prefix):
            consul.session.create(**checks)
    with pytest.raises(ServerError, match="Missing node registration"):
        consul.session.create(node=prefix)


def test_policy_is_the_servers(consul):
    with pytest.raises(ConsulException) as caught:
        consul.session.create(ttl="48h")
    assert caught.value.status in (400, 500)
    session = consul.session.create(ttl=0.2)
    consul.session.destroy(session)


def test_bad_behavior_is_refused_here(consul):
    with pytest.raises(ValueError, match="behavior"):
        consul.session.create(behavior="keep")


def test_expired_session_ends(consul):
    session = consul.session.create(ttl="100ms", lock_delay=0)
    end = time.monotonic() + 10
    while consul.session.info(session).data is not None:
        assert time.monotonic() < end
        time.sleep(0.05)
    with pytest.raises(NotFound):
        consul.session.renew(session)


def test_unknown_session(consul):
    unknown = str(uuid.uuid4())
    assert consul.session.info(unknown).data is None
    assert consul.session.destroy(unknown) is True
    assert consul.session.node("no-such-node").data == []


def test_lock(consul, prefix):
    first = consul.session.create(lock_delay=0)
    second = consul.session.create(lock_delay=0)
    key = f"{prefix}/lock"
    assert consul.kv.put(key, "1", acquire=first) is True
    assert consul.kv.put(key, "2", acquire=second) is False
    assert consul.kv.get(key).data["Session"] == first
    assert consul.kv.put(key, "2", release=second) is False
    assert consul.kv.put(key, "1", release=first) is True
    assert consul.kv.put(key, "2", acquire=second) is True
    consul.session.destroy(second)
    assert "Session" not in consul.kv.get(key).data
    consul.session.destroy(first)


def test_sessions_with_a_token(acl_client, acl_agent):
    nobody = acl_client(token="")
    with pytest.raises(ConsulException):
        nobody.session.create()
    token = acl_agent.token
    session = nobody.session.create(token=token)
    for call in (nobody.session.renew, nobody.session.destroy):
        with pytest.raises(ACLPermissionDenied):
            call(session)
    assert nobody.session.info(session).data is None
    assert nobody.session.list().data == nobody.session.node(acl_agent.name).data == []
    assert nobody.session.info(session, token=token).data["ID"] == session
    assert nobody.session.renew(session, token=token)["ID"] == session
    assert nobody.session.destroy(session, token=token) is True
