"""Health of services, their proxies and gateways, on real servers, in every flavour."""

from __future__ import annotations

import pytest

from consul import ACLPermissionDenied, BadRequest, ServerError, Unsupported
from tests.conformance.test_agent import until


def test_connect(mesh_consul, prefix):
    index, (proxy,) = mesh_consul.health.connect("web")
    assert index > 0
    assert proxy["Service"]["Kind"] == "connect-proxy"
    assert proxy["Service"]["Proxy"]["DestinationServiceName"] == "web"

    def both():
        # The agent tells the servers of one after the other.
        (found,) = mesh_consul.health.connect("web").data
        checks = {check["CheckID"] for check in found["Checks"]}
        return {"serfHealth", "service:web-sidecar-proxy:1"} <= checks

    until(both)
    for options in ({"tag": "v1"}, {"near": "_agent"}, {"filter": "Service.Port == 21000"}):
        assert [
            one["Service"]["ID"] for one in mesh_consul.health.connect("web", **options).data
        ] == ["web-sidecar-proxy"]
    # Nothing listens there.
    for passing in (True, "true"):
        assert mesh_consul.health.connect("web", passing=passing).data == []
    for passing in (False, "0", None):
        assert len(mesh_consul.health.connect("web", passing=passing).data) == 1
    assert mesh_consul.health.connect(prefix).data == []


def test_ingress(mesh_consul, mesh, prefix):
    index, (gateway,) = mesh_consul.health.ingress("web")
    assert index > 0
    assert (gateway["Service"]["ID"], gateway["Node"]["Node"]) == ("ingress", mesh.name)
    for passing in (True, "true", False, "0", None):
        assert len(mesh_consul.health.ingress("web", passing=passing).data) == 1
    assert mesh_consul.health.ingress("web", filter="Service.Port == 1").data == []
    for unknown in (prefix, "db"):
        assert mesh_consul.health.ingress(unknown).data == []


def _with_data(answer):
    return answer if answer.data else None


def test_blocking_reads(mesh_consul):
    for read in (mesh_consul.health.connect, mesh_consul.health.ingress):
        index, found = read("web")
        # A view of the agent is empty at first, with index 1.
        again = until(
            lambda read=read, index=index: _with_data(read("web", index=index, wait="1s"))
        )
        assert again.index >= index
        assert len(again.data) == len(found)


def test_the_cache_of_an_older_agent_takes_services_for_their_gateways(mesh_consul, mesh):
    for read, own in (
        (mesh_consul.health.service, "web"),
        (mesh_consul.health.connect, "web-sidecar-proxy"),
        (mesh_consul.health.ingress, "ingress"),
    ):
        (found,) = read("web", cached=True).data
        shared = own == "ingress" and mesh.version < (1, 9)
        assert found["Service"]["ID"] == ("web" if shared else own)


def test_a_tag_makes_servers_forget_the_gateway(mesh_consul):
    (found,) = mesh_consul.health.ingress("web", tag="v1").data
    assert found["Service"]["ID"] == "web"
    assert mesh_consul.health.ingress("web", tag="v2").data == []


def test_tags_of_a_proxy(mesh_consul, mesh):
    """Only a read that streams heeds them."""
    index, found = mesh_consul.health.connect("web", tag="v2")
    assert len(found) == 1
    streamed = mesh_consul.health.connect("web", index=index, wait="10ms", tag="v2").data
    assert len(streamed) == (1 if mesh.version < (1, 10) else 0)


def test_who_may_not_read(acl_client, acl_agent):
    nobody = acl_client(token="")
    assert nobody.health.service("web").data == []
    for read in (nobody.health.connect, nobody.health.ingress):
        if acl_agent.version < (1, 16):
            assert read("web").data == []
        else:
            with pytest.raises(ACLPermissionDenied):
                read("web")


@pytest.mark.parametrize("name", ["service", "connect", "ingress", "checks", "node"])
def test_a_filter_that_is_none(consul, name):
    with pytest.raises((BadRequest, ServerError)):
        getattr(consul.health, name)("web", filter="=")
    # The name that py-consul has for it.
    with pytest.raises((BadRequest, ServerError)):
        getattr(consul.health, name)("web", filter_expr="=")


def test_a_peer_that_an_older_server_would_ignore(consul, agent):
    for read in (
        consul.health.service,
        consul.health.connect,
        consul.catalog.service,
        consul.catalog.connect,
    ):
        if agent.version < (1, 13):
            with pytest.raises(Unsupported, match=r"ignores peer here, which needs Consul 1\.13"):
                read("consul", peer="nobody")
        else:
            assert read("consul", peer="nobody").data == []


def test_sameness_groups_are_of_enterprise(consul, agent):
    for read in (consul.health.service, consul.health.connect):
        if agent.version < (1, 16):
            # It does not know them.
            assert isinstance(read("consul", sameness_group="group").data, list)
        else:
            with pytest.raises(ServerError):
                read("consul", sameness_group="group")


def test_checks_in_a_state(consul, agent):
    meta = {"consul-network-segment": ""}
    # The agent writes its metadata a moment after it has started.
    found = until(lambda: consul.health.state("passing", node_meta=meta).data)
    assert (agent.name, "serfHealth") in [(one["Node"], one["CheckID"]) for one in found]
    assert consul.health.state("passing", node_meta={"consul-network-segment": "x"}).data == []
    only = consul.health.state("any", filter='CheckID == "serfHealth"').data
    assert {one["CheckID"] for one in only} == {"serfHealth"}
