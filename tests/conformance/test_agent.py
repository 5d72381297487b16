"""The agent, its services and checks, and health and catalog as they follow from them."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import pytest

from consul import Check, ConsulException, Redirected
from tests.flavours import FLAVOURS


def until(question, *, seconds=10):
    """Ask until the answer is true; return it."""
    end = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return answer


def status(consul, name):
    return {check["Status"] for check in consul.health.checks(name).data}


@pytest.fixture
def service(consul, prefix):
    """Name of a service that is deregistered after the test."""
    yield prefix
    for service_id in list(consul.agent.services()):
        if service_id.startswith(prefix):
            consul.agent.service.deregister(service_id)


def test_self_and_members(consul, agent):
    assert consul.agent.self()["Config"]["NodeName"] == agent.name
    assert [member["Name"] for member in consul.agent.members()] == [agent.name]


def test_ttl_check_through_health(consul, service):
    assert consul.agent.service.register(service, port=80, tags=["a"], check=Check.ttl("10s"))
    until(lambda: consul.health.service(service).data)
    assert consul.health.service(service, passing=True).data == []
    assert status(consul, service) == {"critical"}

    assert consul.agent.check.ttl_pass(f"service:{service}", notes="fine & well") is True
    (node,) = until(lambda: consul.health.service(service, passing=True).data)
    assert node["Service"]["Port"] == 80
    assert node["Service"]["Tags"] == ["a"]
    assert consul.agent.checks()[f"service:{service}"]["Output"] == "fine & well"

    consul.agent.check.ttl_warn(f"service:{service}")
    until(lambda: status(consul, service) == {"warning"})
    consul.agent.check.ttl_fail(f"service:{service}")
    until(lambda: status(consul, service) == {"critical"})
    assert service in [check["ServiceName"] for check in consul.health.state("critical").data]


def test_ttl_check_expires(consul, service):
    consul.agent.service.register(service, check=Check.ttl("300ms"))
    consul.agent.check.ttl_pass(f"service:{service}")
    until(lambda: status(consul, service) == {"critical"})


def test_falsy_values_are_sent(consul, service):
    consul.agent.service.register(service, port=80, tags=["a"], meta={"k": "v"})
    consul.agent.service.register(service, port=0, tags=[], meta={})
    registered = consul.agent.services()[service]
    assert registered["Port"] == 0
    assert not registered["Tags"]
    assert not registered["Meta"]


def test_service_id_address_and_meta(consul, service):
    consul.agent.service.register(
        service,
        f"{service}/1",
        "10.0.0.1",
        8080,
        ["x"],
        meta={"version": "2"},
        enable_tag_override=True,
    )
    registered = consul.agent.services()[f"{service}/1"]
    assert registered["Address"] == "10.0.0.1"
    assert registered["Meta"] == {"version": "2"}
    assert registered["EnableTagOverride"] is True
    (found,) = until(lambda: consul.catalog.service(service).data)
    assert found["ServiceID"] == f"{service}/1"
    assert consul.catalog.service(service, tag="x").data
    assert consul.catalog.service(service, tag="y").data == []
    assert consul.agent.service.deregister(f"{service}/1") is True
    until(lambda: not consul.catalog.service(service).data)


def test_maintenance(consul, service):
    consul.agent.service.register(service)
    assert consul.agent.service.maintenance(service, True, "a & b") is True
    until(lambda: status(consul, service) == {"critical"})
    assert consul.agent.service.maintenance(service, "false") is True
    until(lambda: not status(consul, service))
    with pytest.raises(ValueError, match="enable"):
        consul.agent.service.maintenance(service, "perhaps")


def test_check_of_its_own(consul, prefix):
    assert consul.agent.check.register(prefix, Check.ttl(10), notes="n") is True
    assert consul.agent.checks()[prefix]["Notes"] == "n"
    assert consul.agent.check.ttl_pass(prefix) is True
    assert consul.agent.check.deregister(prefix) is True
    assert prefix not in consul.agent.checks()
    with pytest.raises(ConsulException) as caught:
        consul.agent.check.ttl_pass(prefix)
    assert caught.value.status in (404, 500)


def test_check_of_a_service(consul, service):
    consul.agent.service.register(service)
    consul.agent.check.register(f"{service}-check", Check.ttl("10s"), service_id=service)
    assert consul.agent.checks()[f"{service}-check"]["ServiceID"] == service


def test_http_and_tcp_checks_are_accepted(consul, agent, service):
    check = Check.http(
        f"http://{agent.host}:{agent.port}/v1/status/leader",
        "1s",
        timeout="1s",
        deregister="90m",
        header={"x-foo": ["bar", "baz"]},
    )
    consul.agent.service.register(service, check=check)
    until(lambda: status(consul, service) == {"passing"})
    consul.agent.service.register(f"{service}-tcp", check=Check.tcp(agent.host, agent.port, "1s"))
    until(lambda: status(consul, f"{service}-tcp") == {"passing"})


def test_filter(consul, service):
    consul.agent.service.register(service, meta={"k": "v"})
    until(lambda: consul.catalog.service(service).data)
    assert consul.catalog.service(service, filter='ServiceMeta.k == "v"').data
    assert consul.catalog.service(service, filter='ServiceMeta.k == "w"').data == []


def test_blocking_health(consul, service):
    index, _ = consul.health.service(service)
    consul.agent.service.register(service)
    found = consul.health.service(service, index=index, wait="10s")
    assert found.data or consul.health.service(service).data


def test_join_and_force_leave_are_refused_with_a_reason(consul):
    with pytest.raises(ConsulException) as caught:
        consul.agent.join("127.0.0.1:1")
    assert caught.value.status == 500
    assert caught.value.path == "/v1/agent/join/127.0.0.1%3A1"


@pytest.mark.behaviour("Endpoints", "ids and names with slashes")
def test_ids_with_slashes(consul, agent, prefix):
    old = agent.version < (1, 22)
    for call in (
        lambda: consul.agent.service.register(prefix, f"/pod/{prefix}", check=Check.ttl("60s")),
        lambda: consul.agent.check.ttl_pass(f"service:/pod/{prefix}"),
        # Of the service: what old servers keep for ever must not mark the node of all tests.
        lambda: consul.agent.check.register(
            "up", Check.ttl("60s"), f"/var//{prefix}", service_id=f"/pod/{prefix}"
        ),
        lambda: consul.catalog.register(f"/{prefix}", "10.0.0.1"),
    ):
        assert call() is True
    # Older servers answer that what they were asked for is elsewhere, and do nothing.
    for read in (
        lambda: consul.catalog.node(f"/{prefix}").data["Node"]["Node"] == f"/{prefix}",
        lambda: consul.agent.check.deregister(f"/var//{prefix}"),
        lambda: consul.agent.service.deregister(f"/pod/{prefix}"),
    ):
        if old:
            with pytest.raises(Redirected):
                read()
        else:
            assert read() is True
    left = [name for name in (*consul.agent.services(), *consul.agent.checks()) if prefix in name]
    assert bool(left) is old
    assert consul.catalog.deregister(f"/{prefix}") is True
    for kind, name in (("check", f"/var//{prefix}"), ("service", f"/pod/{prefix}")):
        assert old or name not in left, kind


#: Some of each kind of character that Go does not print.
UNPRINTED = "\n\x7f\x85\xa0\xad\u200b\u202e\u2028\u2029\u3000\ufeff\ue000\uffff\U000e0001"


@pytest.mark.parametrize("flavour", [next(iter(FLAVOURS))], indirect=True)
def test_what_is_not_registered_could_not_be_removed(consul, agent, prefix):
    for char in UNPRINTED:
        name = f"{prefix}{char}x"
        with pytest.raises(ValueError, match=r"^service_id has "):
            consul.agent.service.register("web", name)
        # The server takes it, and then no URL that names it.
        body = json.dumps({"Name": prefix, "ID": name}).encode()
        assert agent.request("PUT", "/v1/agent/service/register", body)[0] == 200
        path = f"/v1/agent/service/deregister/{quote(name, safe='')}"
        assert agent.request("PUT", path)[0] == 400
    for char in "/ %?#é😀\u0301":
        name = f"{prefix}{char}x"
        assert consul.agent.service.register("web", name) is True
        assert consul.agent.service.deregister(name) is True


@pytest.mark.parametrize("bad", ["", "..", "a/../b", "a\nb"])
def test_ids_that_are_refused_before_anything_is_sent(consul, bad):
    with pytest.raises(ValueError, match="service_id"):
        consul.agent.service.deregister(bad)
    with pytest.raises(ValueError, match="check_id"):
        consul.agent.check.deregister(bad)
