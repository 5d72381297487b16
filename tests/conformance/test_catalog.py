"""The catalog and the coordinates, on real servers, in every flavour."""

from __future__ import annotations

import pytest


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
