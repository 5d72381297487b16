"""Prepared queries: the whole definition, templates, and failover to another datacenter."""

from __future__ import annotations

import contextlib

import pytest

from consul import (
    ACLPermissionDenied,
    BadRequest,
    Check,
    ConsulException,
    InvalidSession,
    ServerError,
    UnknownQuery,
)
from tests.agent import Agent, free_ports
from tests.conformance.test_agent import until


@pytest.fixture
def made(consul):
    """Makes queries, and deletes them in the end."""
    queries = []

    def make(*args, **options):
        queries.append(consul.query.create(*args, **options)["ID"])
        return queries[-1]

    yield make
    for query in queries:
        consul.query.delete(query)


def test_the_whole_definition(consul, made, prefix):
    query = made(
        "web",
        prefix,
        nearestn=2,
        datacenters=["dc2"],
        onlypassing=True,
        tags=["v1", "!v0"],
        ttl="10s",
        near="_agent",
        node_meta={"a": "b"},
        service_meta={"c": "d"},
        ignore_check_ids=["x"],
        connect=True,
    )
    (stored,) = consul.query.get(query)
    found = stored["Service"]
    assert (found["Service"], found["Near"], found["Connect"]) == ("web", "_agent", True)
    assert (found["Tags"], found["IgnoreCheckIDs"]) == (["v1", "!v0"], ["x"])
    assert (found["NodeMeta"], found["ServiceMeta"]) == ({"a": "b"}, {"c": "d"})
    failover = found["Failover"]
    assert (failover["NearestN"], failover["Datacenters"]) == (2, ["dc2"])
    assert (stored["Name"], stored["DNS"]) == (prefix, {"TTL": "10s"})
    # All of it is replaced.
    assert consul.query.update(query, "web", prefix, connect=False) is True
    (stored,) = consul.query.get(query)
    assert stored["Service"]["Connect"] is False
    assert (stored["Service"]["NodeMeta"], stored["DNS"]["TTL"]) == (None, "")


def test_targets(consul, agent, prefix):
    targets = [{"Datacenter": "dc2"}, {"Peer": "other"}]
    if agent.version < (1, 14):
        with pytest.raises(BadRequest, match="Targets"):
            consul.query.create("web", prefix, targets=targets)
        return
    query = consul.query.create("web", prefix, targets=targets)["ID"]
    (stored,) = consul.query.get(query)
    assert stored["Service"]["Failover"]["Targets"] == [
        {"Datacenter": "dc2", "Peer": ""}, {"Datacenter": "", "Peer": "other"}
    ]  # fmt: skip
    assert consul.query.delete(query) is True


def test_what_is_refused(consul, agent, made, prefix):
    made("web", prefix)
    for wrong in (
        lambda: consul.query.create("web", prefix),
        lambda: consul.query.create("web"),
        lambda: consul.query.create("", f"{prefix}-2"),
        lambda: consul.query.create("web", f"{prefix}-", regexp="("),
    ):
        with pytest.raises(ServerError):
            wrong()
    with pytest.raises(InvalidSession):
        consul.query.create("web", f"{prefix}-2", session="8f246b77-f3e1-ff88-5b48-8ec93abf3e05")
    with pytest.raises(BadRequest, match="Nonsense"):
        consul.query.create("web", f"{prefix}-2", service_fields={"Nonsense": 1})
    # Sameness groups are Enterprise's; older servers do not know the field.
    with pytest.raises(BadRequest if agent.version < (1, 16) else ServerError):
        consul.query.create("web", f"{prefix}-2", sameness_group="group")


def test_unknown_queries(consul, prefix):
    unknown = "8f246b77-f3e1-ff88-5b48-8ec93abf3e05"
    for call in (
        lambda: consul.query.get(unknown),
        lambda: consul.query.update(unknown, "web"),
        lambda: consul.query.delete(unknown),
        lambda: consul.query.execute(prefix),
        lambda: consul.query.explain(prefix),
    ):
        with pytest.raises(UnknownQuery):
            call()


def test_who_may_not(acl_client, prefix):
    master, nobody = acl_client(), acl_client(token="")
    query = master.query.create("consul", prefix)["ID"]
    try:
        for call in (
            lambda: nobody.query.create("consul", f"{prefix}-2"),
            lambda: nobody.query.update(query, "consul", prefix),
            lambda: nobody.query.delete(query),
            lambda: nobody.query.get(query),
            lambda: nobody.query.explain(prefix),
        ):
            with pytest.raises(ACLPermissionDenied):
                call()
        assert nobody.query.list() == []
        assert nobody.query.execute(prefix)["Nodes"] == []
    finally:
        master.query.delete(query)


def test_a_captured_token_runs_the_query(acl_client, acl_agent, prefix):
    master, nobody = acl_client(), acl_client(token="")
    query = master.query.create("consul", prefix, capture_token=acl_agent.token)["ID"]
    try:
        assert len(nobody.query.execute(prefix)["Nodes"]) == 1
        assert master.query.get(query)[0]["Token"] == acl_agent.token
    finally:
        master.query.delete(query)


def test_a_template_with_a_regular_expression(consul, made, prefix):
    made(
        "${match(2)}",
        f"{prefix}-",
        tags=["${match(1)}"],
        template={
            "Type": "name_prefix_match",
            "Regexp": f"^{prefix}-(.*?)-([^-]+)$",
            "RemoveEmptyTags": True,
        },
    )
    explained = consul.query.explain(f"{prefix}-v1-consul")["Query"]
    assert (explained["Service"]["Service"], explained["Service"]["Tags"]) == ("consul", ["v1"])
    assert explained["Template"]["RemoveEmptyTags"] is True
    # Without the tag it finds the servers themselves.
    found = consul.query.execute(f"{prefix}--consul")
    assert (found["Service"], len(found["Nodes"])) == ("consul", 1)
    assert consul.query.execute(f"{prefix}-v1-consul")["Nodes"] == []


def test_checks_that_do_not_count(consul, made, prefix):
    consul.agent.service.register(prefix, check=Check.ttl("60s", status="critical"))
    try:
        until(lambda: consul.health.checks(prefix).data)
        assert consul.query.execute(made(prefix, prefix))["Nodes"] == []
        query = made(prefix, f"{prefix}-2", ignore_check_ids=[f"service:{prefix}"])
        (found,) = consul.query.execute(query)["Nodes"]
        assert found["Service"]["ID"] == prefix
    finally:
        consul.agent.service.deregister(prefix)


def test_what_the_mesh_reaches(make_client, mesh, prefix):
    consul = make_client(port=mesh.port)
    # Its check fails.
    ignored = ["service:web-sidecar-proxy:1"]
    queries = [
        consul.query.create("web", f"{prefix}-{connect}", connect=connect, ignore_check_ids=ignored)
        for connect in (True, False)
    ]
    try:
        for name, options, expected in (
            ("True", {}, "web-sidecar-proxy"),
            ("False", {}, "web"),
            ("False", {"connect": True}, "web-sidecar-proxy"),
            ("False", {"connect": "0"}, "web"),
        ):
            (found,) = consul.query.execute(f"{prefix}-{name}", **options)["Nodes"]
            assert found["Service"]["ID"] == expected
    finally:
        for query in queries:
            consul.query.delete(query["ID"])


@pytest.fixture(scope="module")
def datacenters(server):
    """Two datacenters that know each other: an agent of each."""
    with contextlib.ExitStack() as stack:
        first, second = free_ports(2)
        agents = [
            stack.enter_context(
                Agent(
                    server,
                    config={
                        "datacenter": name,
                        "ports": {"serf_wan": own},
                        "retry_join_wan": [f"127.0.0.1:{other}"],
                        "retry_interval_wan": "1s",
                    },
                )
            )
            for name, own, other in (("dc1", first, second), ("dc2", second, first))
        ]
        for agent in agents:
            until(lambda agent=agent: len(agent.get("/v1/catalog/datacenters")) == 2, seconds=30)
        yield agents


def test_failover_to_another_datacenter(make_client, datacenters, prefix):
    consul = make_client(port=datacenters[0].port)
    assert sorted(consul.catalog.datacenters()) == ["dc1", "dc2"]
    # The datacenter is in the body as well as in the URL, so it is the other one that gets it.
    assert consul.catalog.register(prefix, "10.0.0.2", {"Service": prefix, "Port": 80}, dc="dc2")
    assert consul.catalog.node(prefix).data is None
    assert consul.catalog.node(prefix, dc="dc2").data["Node"]["Datacenter"] == "dc2"
    ways = [{}, {"datacenters": ["dc2"]}, {"nearestn": 1}]
    if datacenters[0].version >= (1, 14):
        ways.append({"targets": [{"Datacenter": "dc2"}]})
    for number, failover in enumerate(ways):
        query = consul.query.create(prefix, f"{prefix}-{number}", **failover)["ID"]
        found = consul.query.execute(f"{prefix}-{number}")
        assert found["Datacenter"] == ("dc2" if failover else "dc1")
        assert found["Failovers"] == (1 if failover else 0)
        assert [one["Node"]["Node"] for one in found["Nodes"]] == ([prefix] if failover else [])
        assert consul.query.delete(query) is True
    # A datacenter that is not there is passed over.
    query = consul.query.create(prefix, prefix, datacenters=["dc3", "dc2"])["ID"]
    assert consul.query.execute(prefix)["Datacenter"] == "dc2"
    assert consul.query.delete(query) is True
    assert consul.catalog.deregister(prefix, dc="dc2") is True
    assert consul.catalog.node(prefix, dc="dc2").data is None
    with pytest.raises(ConsulException, match="No path to datacenter"):
        consul.catalog.nodes(dc="dc3")
