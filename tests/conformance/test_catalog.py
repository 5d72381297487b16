"""The catalog and the coordinates, on real servers, in every flavour."""

from __future__ import annotations

import pytest

from consul import ACLPermissionDenied, BadRequest, ServerError


@pytest.fixture
def node(consul, prefix):
    """Name of a node that is taken out of the catalog after the test."""
    yield prefix
    consul.catalog.deregister(prefix)


def test_datacenters_and_nodes(consul, agent):
    assert consul.catalog.datacenters() == ["dc1"]
    index, nodes = consul.catalog.nodes()
    assert index > 0
    assert agent.name in [node["Node"] for node in nodes]
    assert consul.catalog.nodes(near="_agent").data
    assert "consul" in consul.catalog.services().data


def test_registration(consul, node):
    service = {"Service": node, "ID": f"{node}1", "Tags": ["v1"], "Port": 0}
    check = {"Node": node, "CheckID": f"{node}:1", "Name": "up", "Status": "passing"}
    assert consul.catalog.register(
        node, "10.1.10.12", service, check | {"ServiceID": f"{node}1"}, node_meta={"env": "test"}
    )
    found = consul.catalog.node(node).data
    assert found["Node"]["Address"] == "10.1.10.12"
    assert found["Node"]["Meta"] == {"env": "test"}
    assert found["Services"][f"{node}1"]["Tags"] == ["v1"]
    assert [one["Node"] for one in consul.catalog.nodes(node_meta={"env": "test"}).data].count(node)
    assert consul.catalog.service(node).data[0]["ServicePort"] == 0
    assert [one["CheckID"] for one in consul.health.node(node).data] == [f"{node}:1"]

    assert consul.catalog.deregister(node, check_id=f"{node}:1") is True
    assert consul.health.node(node).data == []
    assert consul.catalog.deregister(node, service_id=f"{node}1") is True
    assert consul.catalog.service(node).data == []
    assert consul.catalog.deregister(node) is True
    assert consul.catalog.node(node).data is None


def test_all_that_can_be_registered(consul, agent, node):
    definition = {"HTTP": "http://10.1.10.14/", "Interval": "10s", "Header": {"a": ["b"]}}
    more = {} if agent.version < (1, 17) else {"locality": {"Region": "eu", "Zone": "a"}}
    assert consul.catalog.register(
        node,
        "10.1.10.14",
        {"Service": node, "Port": 80, "Weights": {"Passing": 3, "Warning": 1}},
        {"Node": node, "Name": "up", "CheckID": "up", "Status": "passing"},
        node_meta={"external-node": "true"},
        tagged_addresses={"lan": "10.1.10.15"},
        node_id="8f246b77-f3e1-ff88-5b48-8ec93abf3e05",
        checks=[
            {
                "Node": node,
                "Name": "web",
                "CheckID": "web",
                "Definition": definition,
                "Status": "warning",
            }
        ],
        **more,
    )
    try:
        found = consul.catalog.node_services(node).data
        assert found["Node"]["ID"] == "8f246b77-f3e1-ff88-5b48-8ec93abf3e05"
        assert found["Node"]["TaggedAddresses"] == {"lan": "10.1.10.15"}
        assert found["Node"].get("Locality") == more.get("locality")
        assert [one["Weights"]["Passing"] for one in found["Services"]] == [3]
        checks = {one["CheckID"]: one for one in consul.health.node(node).data}
        assert {name: one["Status"] for name, one in checks.items()} == {
            "up": "passing", "web": "warning"
        }  # fmt: skip
        assert checks["web"]["Definition"]["Header"] == {"a": ["b"]}
    finally:
        # Its id would be in the way of another flavour.
        assert consul.catalog.deregister(node)


def test_a_service_of_a_node_that_exists(consul, node):
    # The node is not there yet: nothing says where it is.
    assert consul.catalog.register(node, "10.1.10.16")
    assert consul.catalog.register(node, None, {"Service": node}, skip_node_update=True)
    found = consul.catalog.node(node).data
    assert (found["Node"]["Address"], list(found["Services"])) == ("10.1.10.16", [node])


def test_what_the_catalog_refuses(consul, agent, node):
    with pytest.raises(BadRequest, match="Nonsense"):
        consul.catalog.register(node, "10.0.0.1", extra={"Nonsense": 1})
    with pytest.raises(ServerError):
        consul.catalog.register(node, "10.0.0.1", node_id="nonsense")
    if agent.version < (1, 17):
        with pytest.raises(BadRequest, match="Locality"):
            consul.catalog.register(node, "10.0.0.1", locality={"Region": "eu"})
    for read in (consul.catalog.connect, consul.catalog.service, consul.catalog.node_services):
        with pytest.raises((BadRequest, ServerError)):
            read("web", filter="=")


def test_what_a_token_may_not_register(acl_client, prefix):
    nobody = acl_client(token="")
    with pytest.raises(ACLPermissionDenied):
        nobody.catalog.register(prefix, "10.0.0.1")
    with pytest.raises(ACLPermissionDenied):
        nobody.catalog.deregister(prefix)


def test_connect(mesh_consul, prefix):
    index, (proxy,) = mesh_consul.catalog.connect("web")
    assert index > 0
    assert (proxy["ServiceKind"], proxy["ServiceName"]) == ("connect-proxy", "web-sidecar-proxy")
    config = proxy["ServiceProxy"]
    assert config["DestinationServiceName"] == "web"
    assert config["Config"]["y"] == {"z": 1}
    upstream = next(one for one in config["Upstreams"] if one["DestinationName"] == "db")
    assert (upstream["LocalBindPort"], upstream["Config"]) == (9001, {"x": 1})
    assert upstream["MeshGateway"] == {"Mode": "remote"}
    assert config["Expose"]["Paths"][0]["ListenerPort"] == 2101
    for options in (
        {"tag": "v1"}, {"near": "_agent"}, {"cached": True}, {"filter": 'ServicePort == "21000"'},
        {"consistency": "stale", "max_stale": 30},
    ):  # fmt: skip
        assert mesh_consul.catalog.connect("web", **options).data == [proxy]
    # Servers ignore it here.
    assert mesh_consul.catalog.connect("web", tag="v2").data == [proxy]
    assert mesh_consul.catalog.connect("web", node_meta={"no": "such"}).data == []
    assert mesh_consul.catalog.connect("web", index=index, wait="10ms").index >= index
    assert mesh_consul.catalog.connect(prefix).data == []


def test_node_services(mesh_consul, mesh, prefix):
    index, found = mesh_consul.catalog.node_services(mesh.name)
    assert index > 0
    assert found["Node"]["Node"] == mesh.name
    kinds = {one["ID"]: one.get("Kind", "") for one in found["Services"]}
    assert kinds == {
        "consul": "", "db": "", "ingress": "ingress-gateway", "term": "terminating-gateway",
        "web": "", "web-sidecar-proxy": "connect-proxy",
    }  # fmt: skip
    (web,) = mesh_consul.catalog.node_services(mesh.name, filter='Service == "web"').data[
        "Services"
    ]
    assert web["Tags"] == ["v1"]
    assert mesh_consul.catalog.node_services(prefix).data == {"Node": None, "Services": None}


def test_services_behind_gateways(mesh_consul, mesh, acl_client, prefix):
    index, (web,) = mesh_consul.catalog.gateway_services("ingress")
    assert index > 0
    assert (web["Service"], web["Gateway"]) == ({"Name": "web"}, {"Name": "ingress"})
    assert (web["GatewayKind"], web["Port"], web["Hosts"]) == ("ingress-gateway", 8080, ["a.b"])
    (db,) = mesh_consul.catalog.gateway_services("term").data
    assert (db["CAFile"], db["CertFile"], db["KeyFile"], db["SNI"]) == (
        "/ca",
        "/cert",
        "/key",
        "db",
    )
    unknown = mesh_consul.catalog.gateway_services(prefix).data
    assert unknown == ([] if mesh.version >= (1, 9) else None)
    with pytest.raises(ACLPermissionDenied):
        acl_client(token="").catalog.gateway_services("ingress")


def test_what_config_entries_say_of_a_proxy(mesh_consul, mesh):
    """Newer servers fill it in when they are asked; older ones do not know the flag."""
    for flag in (False, "0", True, "true"):
        for read in (mesh_consul.catalog.connect, mesh_consul.health.connect):
            (found,) = read("web", merge_central_config=flag).data
            proxy = found.get("ServiceProxy") or found["Service"]["Proxy"]
            assert proxy["Config"]["y"] == {"z": 1}
        found = mesh_consul.catalog.node_services(mesh.name, merge_central_config=flag).data
        assert len(found["Services"]) == 6
        (found,) = mesh_consul.health.ingress("web", merge_central_config=flag).data
        assert found["Service"]["ID"] == "ingress"


@pytest.mark.parametrize("form", [{"env": "prod", "rack": "5"}, ["env:prod", "rack:5"]])
def test_forms_of_node_meta(consul, node, form):
    consul.catalog.register(node, "10.1.10.13", node_meta={"env": "prod", "rack": "5"})
    assert node in [one["Node"] for one in consul.catalog.nodes(node_meta=form).data]
    assert node not in [one["Node"] for one in consul.catalog.nodes(node_meta=["env:x"]).data]


def test_unknown_service(consul, prefix):
    index, found = consul.catalog.service(prefix)
    assert index > 0
    assert found == []


def test_service_or_check_but_not_both(consul, node):
    with pytest.raises(ValueError, match="service_id"):
        consul.catalog.deregister(node, service_id="a", check_id="b")


def test_coordinates(consul):
    assert isinstance(consul.coordinate.datacenters(), list)
    assert isinstance(consul.coordinate.nodes().data, list)
