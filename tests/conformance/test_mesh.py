"""The service mesh: certificates, intentions, config entries, discovery chains, peers."""

from __future__ import annotations

import uuid

import pytest

from consul import (
    ACLPermissionDenied,
    BadRequest,
    ConsulException,
    NotFound,
    ServerError,
    Unsupported,
)
from tests.agent import Agent, free_ports
from tests.conformance.test_agent import until
from tools import servers

NOBODY = "00000000-0000-0000-0000-000000000009"
#: From here on intentions are named by their services.
EXACT = (1, 9)


@pytest.fixture
def anybody(acl_client):
    """A client without a token, of an agent that denies by default."""
    return acl_client(token="")


# Certificates


def test_roots(consul, acl_client):
    answer = consul.connect.ca.roots()
    (root,) = [root for root in answer.data["Roots"] if root["Active"]]
    assert root["ID"] == answer.data["ActiveRootID"]
    assert answer.index > 0
    assert consul.connect.ca.roots(index=answer, wait="20ms").data == answer.data
    assert root["RootCert"].strip() in consul.connect.ca.roots(pem=True).data.replace("\r", "")
    cached = consul.agent.connect.ca.roots()
    assert cached.data["ActiveRootID"] == answer.data["ActiveRootID"]
    assert consul.agent.connect.ca.roots(cached=True).meta.cache_hit is True
    for call in (
        lambda: consul.connect.ca.roots(dc="no-such-dc"),
        lambda: consul.agent.connect.ca.roots(dc="no-such-dc"),
    ):
        with pytest.raises(ServerError):
            call()


def test_the_configuration_of_the_authority(consul, anybody):
    config = consul.connect.ca.configuration()
    assert config["Provider"] == "consul"
    assert consul.connect.ca.set_configuration(config["Provider"], config["Config"]) is True
    assert consul.connect.ca.configuration()["Config"] == config["Config"]
    with pytest.raises(ServerError):
        consul.connect.ca.update_configuration("no such provider", {})
    for call in (
        lambda: anybody.connect.ca.configuration(),
        lambda: anybody.connect.ca.set_configuration("consul", {}),
    ):
        with pytest.raises(ACLPermissionDenied):
            call()


def test_a_certificate_and_its_authorization(consul, anybody, acl_agent, prefix):
    name = prefix.lower()
    answer = consul.agent.connect.ca.leaf(name, dns_san=["web.local"], ip_san=["127.0.0.2"])
    leaf = answer.data
    assert leaf["Service"] == name
    assert "PRIVATE KEY" in leaf["PrivateKeyPEM"]
    assert consul.agent.connect.ca.leaf(
        name, dns_san=["web.local"], ip_san=["127.0.0.2"], index=answer, wait="20ms"
    ).data == leaf  # fmt: skip
    given = (name, leaf["ServiceURI"], leaf["SerialNumber"])
    assert consul.agent.connect.authorize(*given)["Authorized"] is True
    with pytest.raises(BadRequest):
        consul.agent.connect.authorize(name, "no uri", leaf["SerialNumber"])
    for call in (
        lambda: anybody.agent.connect.authorize(*given),
        lambda: anybody.agent.connect.ca.leaf(f"{name}-2"),
    ):
        with pytest.raises(ACLPermissionDenied):
            call()


# Intentions


def test_an_intention_by_the_names_of_its_services(consul, agent, prefix):
    source, destination = f"{prefix}-a", f"{prefix}-b"
    intentions = consul.connect.intentions
    if agent.version < EXACT:
        for call in (
            lambda: intentions.upsert(source, destination, action="deny"),
            lambda: intentions.read(source, destination),
            lambda: intentions.delete(source, destination),
        ):
            with pytest.raises(ConsulException):
                call()
        return
    with pytest.raises(NotFound):
        intentions.read(source, destination)
    assert intentions.check(source, destination) is True
    assert intentions.upsert(source, destination, action="deny", description="d") is True
    found = intentions.read(source, destination)
    assert (found["SourceName"], found["DestinationName"]) == (source, destination)
    assert (found["Action"], found["Description"]) == ("deny", "d")
    assert intentions.check(source, destination) is False
    assert intentions.upsert(source, destination, action="allow") is True
    assert intentions.check(source, destination) is True
    listed = intentions.list(filter=f'SourceName == "{source}"')
    assert [each["DestinationName"] for each in listed.data] == [destination]
    assert listed.index > 0
    with pytest.raises(ServerError):
        # The destination does not speak HTTP.
        intentions.upsert(
            source,
            destination,
            permissions=[{"Action": "allow", "HTTP": {"PathPrefix": "/"}}],
        )
    entry = {"Kind": "service-defaults", "Name": destination, "Protocol": "http"}
    assert consul.config.put(entry) is True
    rule = {"Action": "allow", "HTTP": {"PathPrefix": "/a", "Methods": ["GET"]}}
    assert intentions.upsert(source, destination, permissions=[rule]) is True
    assert intentions.read(source, destination)["Permissions"] == [rule]
    assert intentions.check(source, destination) is False
    kind = consul.config.get("service-intentions", destination).data
    assert [each["Name"] for each in kind["Sources"]] == [source]
    for _ in range(2):
        assert intentions.delete(source, destination) is True
    assert consul.config.delete("service-defaults", destination) is True


def test_an_intention_by_its_id(consul, prefix):
    source, destination = f"{prefix}-a", f"{prefix}-b"
    intentions = consul.connect.intentions
    made = intentions.create(
        source, destination, "consul", "deny", description="d", meta={"a": "b"}
    )["ID"]
    found = intentions.get(made)
    assert (found["SourceName"], found["Action"], found["Meta"]) == (source, "deny", {"a": "b"})
    assert intentions.check(source, destination, source_type="consul") is False
    with pytest.raises(ServerError):
        intentions.create(source, destination, action="deny")
    changed = intentions.update(
        made, source_name=source, destination_name=destination, action="allow"
    )
    assert changed["ID"] == made
    assert intentions.check(source, destination) is True
    assert intentions.delete_by_id(made) is True
    with pytest.raises(NotFound):
        intentions.get(made)
    with pytest.raises(BadRequest):
        intentions.get("no-uuid")
    for call in (
        lambda: intentions.delete_by_id(NOBODY),
        lambda: intentions.update(
            NOBODY, source_name=source, destination_name=destination, action="allow"
        ),
    ):
        with pytest.raises(ServerError):
            call()


def test_which_intentions_apply(consul, agent, prefix):
    source, destination = f"{prefix}-a", f"{prefix}-b"
    made = consul.connect.intentions.create(source, destination, action="allow")["ID"]
    answer = consul.connect.intentions.match("destination", [destination, f"{prefix}-c"])
    assert [each["SourceName"] for each in answer.data[destination]] == [source]
    assert not answer.data[f"{prefix}-c"]
    by_source = consul.connect.intentions.match("source", source)
    assert [each["DestinationName"] for each in by_source.data[source]] == [destination]
    assert (answer.index is not None) is (agent.version >= EXACT)
    cached = consul.connect.intentions.match("destination", destination, cached=True)
    # Consul 1.8 does not keep it.
    assert (cached.meta.cache_hit is not None) is (agent.version >= EXACT)
    with pytest.raises(ServerError):
        consul.connect.intentions.match("nonsense", source)
    consul.connect.intentions.delete_by_id(made)


def test_intentions_need_rights(anybody, acl_agent, prefix):
    intentions = anybody.connect.intentions
    assert intentions.list().data in ([], None)
    calls = [
        lambda: intentions.create(prefix, prefix, action="deny"),
        lambda: intentions.check(prefix, prefix),
        lambda: intentions.match("source", prefix),
    ]
    if acl_agent.version >= EXACT:
        calls += [
            lambda: intentions.upsert(prefix, prefix, action="deny"),
            lambda: intentions.delete(prefix, prefix),
        ]
    for call in calls:
        with pytest.raises(ACLPermissionDenied):
            call()


# Config entries


@pytest.fixture(scope="module")
def own(server):
    """An agent for entries that concern everybody."""
    with Agent(server) as agent:
        yield agent


#: An entry of each kind of Consul CE with the version that introduced it, with what it needs first.
HTTP = {"Kind": "service-defaults", "Name": "NAME", "Protocol": "http"}
ENTRIES = {
    "service-defaults": ((), {"Protocol": "http", "MeshGateway": {"Mode": "local"}}, ()),
    "proxy-defaults": ((), {"Name": "global", "Config": {"local_connect_timeout_ms": 5}}, ()),
    "service-router": (
        (),
        {"Routes": [{"Match": {"HTTP": {"PathPrefix": "/a"}}, "Destination": {"Service": "b"}}]},
        ({"Kind": "service-defaults", "Name": "b", "Protocol": "http"}, HTTP),
    ),
    "service-splitter": (
        (),
        {"Splits": [{"Weight": 90, "Service": "NAME"}, {"Weight": 10, "Service": "b"}]},
        ({"Kind": "service-defaults", "Name": "b", "Protocol": "http"}, HTTP),
    ),
    "service-resolver": (
        (),
        {
            "DefaultSubset": "v1",
            "Subsets": {"v1": {"Filter": "Service.Meta.v == 1"}},
            "ConnectTimeout": "15s",
            "Failover": {"*": {"Service": "b"}},
        },
        (),
    ),
    "ingress-gateway": (
        (),
        {"Listeners": [{"Port": 8080, "Protocol": "tcp", "Services": [{"Name": "b"}]}]},
        (),
    ),
    "terminating-gateway": ((), {"Services": [{"Name": "outside", "SNI": "s"}]}, ()),
    "service-intentions": ((1, 9), {"Sources": [{"Name": "a", "Action": "deny"}]}, ()),
    "mesh": ((1, 10), {"Name": "mesh", "TLS": {"Incoming": {"TLSMinVersion": "TLSv1_2"}}}, ()),
    "exported-services": (
        (1, 11),
        {"Name": "default", "Services": [{"Name": "a", "Consumers": [{"Peer": "p"}]}]},
        (),
    ),
    "api-gateway": (
        (1, 15),
        {"Listeners": [{"Name": "l", "Port": 9090, "Protocol": "tcp"}]},
        (),
    ),
    "http-route": (
        (1, 15),
        {
            "Hostnames": ["a.local"],
            "Parents": [{"Kind": "api-gateway", "Name": "g"}],
            "Rules": [{"Services": [{"Name": "b"}]}],
        },
        (),
    ),
    "tcp-route": (
        (1, 15),
        {"Services": [{"Name": "b"}], "Parents": [{"Kind": "api-gateway", "Name": "g"}]},
        (),
    ),
    "jwt-provider": (
        (1, 16),
        {"Issuer": "i", "JSONWebKeySet": {"Local": {"JWKS": "eyJrZXlzIjpbXX0="}}},
        (),
    ),
}


@pytest.mark.parametrize("kind", ENTRIES)
def test_a_config_entry(make_client, own, prefix, kind):
    consul = make_client(port=own.port)
    since, fields, first = ENTRIES[kind]
    name = fields.get("Name", prefix)

    def named(value):
        if isinstance(value, dict):
            return {key: named(item) for key, item in value.items()}
        if isinstance(value, list):
            return [named(item) for item in value]
        return name if value == "NAME" else value

    entry = named({"Kind": kind, "Name": name, "Meta": {"a": "b"}, **fields})
    if kind == "mesh":
        # There is one, which is read by its kind.
        del entry["Name"]
    if own.version < since:
        with pytest.raises(BadRequest):
            consul.config.put(entry)
        return
    for needed in first:
        assert consul.config.put(named(needed)) is True
    assert consul.config.put(entry) is True
    answer = consul.config.get(kind, name)
    assert answer.data["Meta"] == {"a": "b"}
    assert answer.index > 0
    assert set(entry) <= set(answer.data)
    listed = consul.config.list(kind).data
    assert [each["Meta"] for each in listed if each.get("Name", name) == name] == [{"a": "b"}]
    changed = {**entry, "Meta": {"a": "c"}}
    assert consul.config.put(changed, cas=0) is False

    def by_cas():
        # The servers write the status of a route into it by themselves.
        index = consul.config.get(kind, name).data["ModifyIndex"]
        return consul.config.put(changed, cas=index)

    assert until(by_cas) is True
    assert consul.config.delete(kind, name) is True
    assert consul.config.get(kind, name).data is None
    assert consul.config.delete(kind, name) is True
    for needed in reversed(first):
        consul.config.delete(needed["Kind"], named(needed)["Name"])


def test_config_entries_that_do_not_fit(consul, anybody, agent, prefix):
    with pytest.raises(BadRequest):
        consul.config.put({"Kind": "nonsense", "Name": prefix})
    with pytest.raises(BadRequest):
        consul.config.put({"Kind": "service-defaults", "Name": prefix, "Nonsense": 1})
    for call in (
        lambda: consul.config.get("nonsense", prefix),
        lambda: consul.config.list("nonsense"),
    ):
        with pytest.raises(ServerError):
            call()
    with pytest.raises(BadRequest):
        consul.config.delete("nonsense", prefix)
    for call in (
        lambda: anybody.config.put({"Kind": "service-defaults", "Name": prefix}),
        lambda: anybody.config.get("service-defaults", prefix),
        lambda: anybody.config.delete("service-defaults", prefix),
    ):
        with pytest.raises(ACLPermissionDenied):
            call()
    assert anybody.config.list("service-defaults").data in ([], None)


def test_a_deletion_by_cas(consul, agent, prefix):
    consul.config.put({"Kind": "service-defaults", "Name": prefix, "Protocol": "http"})
    index = consul.config.get("service-defaults", prefix).data["ModifyIndex"]
    if agent.version < (1, 11):
        # It would delete the entry.
        with pytest.raises(Unsupported, match="ignores cas"):
            consul.config.delete("service-defaults", prefix, cas=1)
        assert consul.config.get("service-defaults", prefix).data is not None
        consul.config.delete("service-defaults", prefix)
        return
    assert consul.config.delete("service-defaults", prefix, cas=1) is False
    assert consul.config.delete("service-defaults", prefix, cas=index) is True


def test_a_filter_of_config_entries(consul, agent, prefix):
    consul.config.put({"Kind": "service-defaults", "Name": prefix, "Protocol": "http"})
    wanted = f'Name == "{prefix}"'
    if agent.version < (1, 16):
        with pytest.raises(Unsupported, match="ignores filter"):
            consul.config.list("service-defaults", filter=wanted)
    else:
        (found,) = consul.config.list("service-defaults", filter=wanted).data
        assert found["Name"] == prefix
    consul.config.delete("service-defaults", prefix)


# Discovery chains


def test_a_discovery_chain(consul, anybody, prefix):
    answer = consul.discovery_chain.get(prefix)
    assert answer.data["Chain"]["ServiceName"] == prefix
    assert answer.data["Chain"]["Protocol"] == "tcp"
    assert answer.index > 0
    other = consul.discovery_chain.compile(
        prefix, override_protocol="http", override_connect_timeout="7s"
    ).data["Chain"]
    assert other["Protocol"] == "http"
    assert other["CustomizationHash"]
    assert consul.discovery_chain.get(prefix, "dc1", cached=True).meta.cache_hit is not None
    for call in (
        lambda: anybody.discovery_chain.get(prefix),
        lambda: anybody.discovery_chain.compile(prefix),
    ):
        with pytest.raises(ACLPermissionDenied):
            call()


# Peers


@pytest.fixture(scope="module")
def clusters(server):
    """Two clusters that can be peered."""
    if servers.version_of(server) < (1, 14):
        pytest.skip("Consul 1.14 has peering on by default")
    ports = free_ports(2)
    made = [
        Agent(server, config={"ports": {"grpc_tls": port}, "datacenter": dc})
        for port, dc in zip(ports, ("east", "west"), strict=True)
    ]
    with made[0] as east, made[1] as west:
        yield east, west


def test_two_peered_clusters(make_client, clusters):
    east, west = (make_client(port=agent.port) for agent in clusters)
    to_west, to_east, service = (f"p{uuid.uuid4().hex[:8]}" for _ in range(3))
    assert east.agent.service.register(service, port=80) is True
    assert east.config.put(
        {
            "Kind": "exported-services",
            "Name": "default",
            "Services": [{"Name": service, "Consumers": [{"Peer": to_west}]}],
        }
    )
    token = east.peering.generate_token(to_west, meta={"a": "b"})["PeeringToken"]
    assert east.peering.get(to_west).data["State"] == "PENDING"
    assert west.peering.establish(to_east, token) is True
    for client, name in ((east, to_west), (west, to_east)):
        until(lambda client=client, name=name: client.peering.get(name).data["State"] == "ACTIVE")
        assert name in [each["Name"] for each in client.peering.list().data]
    assert east.peering.get(to_west).data["Meta"] == {"a": "b"}
    (entry,) = until(lambda: west.health.service(service, peer=to_east).data)
    assert entry["Service"]["Port"] == 80
    answer = east.exported_services.list()
    assert {"Service": service, "Consumers": {"Peers": [to_west]}} in answer.data
    assert answer.index > 0
    assert west.config.put(
        {
            "Kind": "service-intentions",
            "Name": service,
            "Sources": [{"Name": "web", "Peer": to_east, "Action": "allow"}],
        }
    )
    imported = west.imported_services.list()
    assert {"Service": service, "SourcePeer": to_east} in imported.data

    with pytest.raises(ACLPermissionDenied):
        # It was used.
        west.peering.establish(f"{to_east}-2", token)
    with pytest.raises(ServerError) as caught:
        west.peering.establish(to_east, "not base64!")
    assert "not base64!" not in str(caught.value)
    with pytest.raises(ServerError):
        east.peering.generate_token("No Name")
    with pytest.raises(NotFound):
        east.peering.get("nobody")
    assert west.config.delete("service-intentions", service) is True
    for client, name in ((west, to_east), (east, to_west)):
        assert client.peering.delete(name) is True
    assert east.peering.delete("nobody") is True
    east.agent.service.deregister(service)


def test_peers_that_an_old_server_does_not_know(consul, agent):
    if agent.version >= (1, 14):
        assert isinstance(consul.peering.list().data, list)
        return
    for call in (
        lambda: consul.peering.list(),
        lambda: consul.peering.get("a"),
        lambda: consul.peering.delete("a"),
        lambda: consul.peering.generate_token("a"),
        lambda: consul.peering.establish("a", "b"),
        lambda: consul.exported_services.list(),
        lambda: consul.imported_services.list(),
    ):
        with pytest.raises(NotFound):
            call()


def test_peers_need_rights(acl_client, acl_agent):
    if acl_agent.version < (1, 14):
        pytest.skip("Consul 1.13 introduced peering")
    anybody = acl_client(token="")
    for call in (
        lambda: anybody.peering.generate_token("a"),
        lambda: anybody.peering.delete("a"),
        lambda: anybody.exported_services.list(),
        lambda: anybody.imported_services.list(),
    ):
        with pytest.raises(ACLPermissionDenied):
            call()
