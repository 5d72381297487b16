"""The rest of the agent: its machine, metrics, tokens, kinds of checks, definition files."""

from __future__ import annotations

import contextlib
import copy
import uuid

import pytest

from consul import (
    ACLDisabled,
    ACLPermissionDenied,
    BadRequest,
    Check,
    ClientError,
    ConsulException,
    NotFound,
    ServerError,
    UnknownCheck,
    UnknownService,
    definitions,
)
from tests.agent import Agent
from tests.conformance.definitions import CHECKS, SERVICES
from tests.conformance.test_agent import until


@pytest.fixture
def service(consul, prefix):
    """Name of a service that is deregistered after the test."""
    yield prefix
    for service_id in list(consul.agent.services()):
        if service_id.startswith(prefix):
            # A sidecar goes with its service.
            with contextlib.suppress(UnknownService):
                consul.agent.service.deregister(service_id)


@pytest.fixture
def anybody(acl_client):
    """A client without a token, of an agent that denies by default."""
    return acl_client(token="")


def test_the_machine_and_the_metrics(consul, anybody, agent):
    assert consul.agent.host()["Memory"]["total"] > 0
    metrics = consul.agent.metrics()
    assert metrics["Gauges"]
    if agent.version < (1, 9):
        with pytest.raises(ClientError):
            consul.agent.metrics(True)
    else:
        assert consul.agent.metrics(True) == ""
    with pytest.raises(NotFound):
        consul.agent.metrics_certificates()
    for call in (
        lambda: anybody.agent.host(),
        lambda: anybody.agent.metrics(),
        lambda: anybody.agent.reload(),
        lambda: anybody.agent.leave(),
    ):
        with pytest.raises(ACLPermissionDenied):
            call()


def test_metrics_for_prometheus(make_client, server):
    with Agent(server, config={"telemetry": {"prometheus_retention_time": "10s"}}) as agent:
        consul = make_client(port=agent.port)
        assert "# TYPE" in until(lambda: consul.agent.metrics(format_prometheus=True))
        assert consul.agent.reload() is True
        assert consul.agent.leave() is True


def test_the_tokens_of_an_agent(acl_consul, anybody, consul, acl_agent):
    # The one that the agent has anyway.
    assert acl_consul.agent.token.set("replication", "") is True
    assert acl_consul.agent.token.set_replication("") is True
    with pytest.raises(NotFound):
        acl_consul.agent.token.set("nonsense", "x" * 36)
    with pytest.raises(ACLPermissionDenied):
        anybody.agent.token.set("default", "x" * 36)
    with pytest.raises(ACLDisabled):
        consul.agent.token.set("default", "")
    assert "x" * 36 not in repr(acl_consul._target.describe.agent.token.set("agent", "x" * 36))


def test_how_a_service_is(consul, anybody, service):
    agent = consul.agent
    agent.service.register(service, check=Check.ttl("10s", status="passing"))
    for status, word in (("passing", "passing"), ("warning", "warning"), ("critical", "critical")):
        assert agent.check.update(f"service:{service}", status, "long output " * 1000) is True
        assert agent.service.health_by_id(service)["AggregatedStatus"] == word
        (only,) = agent.service.health_by_name(service)
        assert only["AggregatedStatus"] == word
        assert only["Checks"][0]["Output"].startswith("long output")
        assert agent.service.health_by_id(service, "text") == word
        assert agent.service.health_by_name(service, format="text") == word
    agent.service.maintenance(service, True)
    assert agent.service.health_by_id(service)["AggregatedStatus"] == "maintenance"
    for unknown in (
        lambda: agent.service.health_by_id(f"{service}-x"),
        lambda: agent.service.health_by_name(f"{service}-x"),
        lambda: agent.service.health_by_id(f"{service}-x", "text"),
        lambda: agent.service.health_by_name(f"{service}-x", "text"),
    ):
        with pytest.raises(UnknownService):
            unknown()
    with pytest.raises(ACLPermissionDenied):
        anybody.agent.service.health_by_name(service)
    with pytest.raises(ValueError, match="format must be 'text' or None"):
        agent.service.health_by_id(service, "json")


def test_updates_that_cannot_be(consul, service):
    consul.agent.service.register(service, check=Check.ttl("10s"))
    with pytest.raises(UnknownCheck):
        consul.agent.check.update(f"{service}-x", "passing")
    with pytest.raises(BadRequest):
        consul.agent.check.update(f"service:{service}", "nonsense")


def test_a_change_of_a_service(consul, service):
    consul.agent.service.register(service, port=80)
    first = consul.agent.service_definition(service)
    assert first["Port"] == 80
    same = consul.agent.service.get(service, hash=first["ContentHash"], wait="30ms")
    assert same["ContentHash"] == first["ContentHash"]
    consul.agent.service.register(service, port=81)
    other = consul.agent.service.get(service, hash=first["ContentHash"], wait="30s")
    assert other["Port"] == 81
    with pytest.raises(UnknownService):
        consul.agent.service.get(f"{service}-x", hash="abc")


#: Each kind of check with the least version that takes it.
KINDS = {
    "http": ((), Check.http("http://localhost/", 10, notes="n", name="c", check_id="ID")),
    "tcp": ((), Check.tcp("localhost", 80, 10, timeout=1)),
    "tcp with TLS": ((1, 17), Check.tcp("localhost", 80, 10, use_tls=True)),
    "udp": ((1, 13), Check.udp("localhost", 53, 10)),
    "grpc": ((), Check.grpc("localhost:80/web", 10, True, True, 1)),
    "h2ping": ((1, 10), Check.h2ping("localhost:80", 10)),
    "h2ping without TLS": ((1, 11), Check.h2ping("localhost:80", 10, False)),
    "alias": ((), Check.alias("other")),
    "ttl": ((), Check.ttl(10, failures_before_critical=2, success_before_passing=2)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_check(consul, agent, service, kind):
    since, check = KINDS[kind]
    if "CheckID" in check:
        check = {**check, "CheckID": f"{service}-check"}
    if agent.version < since:
        with pytest.raises(BadRequest):
            consul.agent.service.register(service, check=check)
        return
    assert consul.agent.service.register(service, check=check) is True
    found = consul.agent.checks()[check.get("CheckID", f"service:{service}")]
    assert found["ServiceID"] == service
    assert found["Notes"] == check.get("Notes", "")


def test_kinds_of_checks_that_this_agent_does_not_run(consul, service):
    for check in (
        Check.os_service("w32time", 10),
        Check.script(["true"], 10, 60),
        Check.docker("c", None, ["true"], 10),
    ):
        with pytest.raises((BadRequest, ServerError)):
            consul.agent.service.register(service, check=check)


def test_a_proxy_with_all_its_fields(consul, agent, service):
    assert consul.agent.service.register(
        service,
        kind="connect-proxy",
        port=20000,
        proxy={
            "DestinationServiceName": "web",
            "Config": {"some_key": 1},
            "Upstreams": [{"DestinationName": "db", "LocalBindPort": 9191}],
        },
    )
    found = consul.agent.service.get(service)
    assert found["Kind"] == "connect-proxy"
    assert found["Proxy"]["Upstreams"][0]["DestinationName"] == "db"
    assert consul.agent.service.register(f"{service}-n", port=80, connect={"native": True})
    if agent.version >= (1, 17):
        assert consul.agent.service.register(
            f"{service}-l", locality={"Region": "r", "Zone": "z"}, socket_path="/tmp/a"
        )
        assert consul.agent.service.get(f"{service}-l")["SocketPath"] == "/tmp/a"
    with pytest.raises(BadRequest):
        consul.agent.service.register(service, kind="connect-proxy", proxy={})


def renamed(value, prefix, opaque=False):
    """*value* with names and ids that no other test has."""
    if isinstance(value, list):
        return [renamed(each, prefix) for each in value]
    if not isinstance(value, dict):
        return value
    own = ("name", "id", "check_id", "checkid")
    return {
        name: f"{prefix}-{item}"
        if name.lower() in own and isinstance(item, str)
        else item
        if name.lower() in ("proxy", "meta", "ports", "tagged_addresses", "connect")
        else renamed(item, prefix)
        for name, item in value.items()
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_definition_of_services(consul, agent, service, name):
    since, definition = SERVICES[name]
    before = copy.deepcopy(definition)
    found = definitions.services(renamed(definition, service))
    assert definition == before
    for arguments in found:
        if agent.version < since:
            with pytest.raises(BadRequest):
                consul.agent.service.register(**arguments)
            continue
        assert consul.agent.service.register(**arguments) is True
        there = consul.agent.service.get(arguments["extra"].get("ID", arguments["name"]))
        assert there["Service"] == arguments["name"]
        if name == "proxy":
            assert there["Proxy"]["Config"] == {"some_key": {"inner_key": 1}}
        if name == "meta and tags":
            assert there["Meta"] == {"snake_case": "kept"}
        if name == "tagged addresses":
            assert there["TaggedAddresses"]["my_wan"] == {"Address": "1.2.3.4", "Port": 8080}


@pytest.mark.parametrize("name", CHECKS)
def test_a_definition_of_checks(consul, agent, prefix, name):
    since, definition = CHECKS[name]
    for arguments in definitions.checks(renamed(definition, prefix)):
        if agent.version < since:
            with pytest.raises(BadRequest):
                consul.agent.check.register(**arguments)
            continue
        assert consul.agent.check.register(**arguments) is True
        check_id = arguments["check"].get("ID", arguments["name"])
        assert consul.agent.checks()[check_id]["Name"] == arguments["name"]
        consul.agent.check.deregister(check_id)


def test_the_token_of_a_definition_authenticates(anybody, acl_agent, acl_consul):
    name = f"s{uuid.uuid4().hex[:8]}"
    token = acl_consul.acl.token.create(service_identities=[{"ServiceName": name}])
    (arguments,) = definitions.services(
        {"service": {"name": name, "token": token["SecretID"], "port": 80}}
    )
    assert anybody.agent.service.register(**arguments) is True
    assert acl_consul.agent.service.deregister(name) is True
    with pytest.raises(ConsulException):
        anybody.agent.service.register(name)
    acl_consul.acl.token.delete(token["AccessorID"])
