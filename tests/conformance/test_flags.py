"""Every flag of every endpoint: what it changes on the server, or why that cannot be seen.

The core decides what is sent, so one flavour stands for all.
"""

from __future__ import annotations

import threading

import pytest

from consul import Check, ConsulException, std
from tests.agent import Agent
from tests.conformance.test_agent import until
from tests.flavours import FLAVOURS
from tests.unit.api.test_arguments import ALL

one_flavour = pytest.mark.parametrize("flavour", [next(iter(FLAVOURS))], indirect=True)

#: Both forms in which a flag is given.
FORMS = [pytest.param(True, False, id="bool"), pytest.param("true", "0", id="word")]


def names(consul, prefix):
    return consul.kv.get(prefix, keys=True).data


def tree(consul, prefix):
    for name in ("", "/a", "/b"):
        consul.kv.put(f"{prefix}{name}", name)


def kv_recurse(consul, prefix, flag):
    tree(consul, prefix)
    return isinstance(consul.kv.get(prefix, recurse=flag).data, list)


def kv_keys(consul, prefix, flag):
    consul.kv.put(prefix, "x")
    return consul.kv.get(prefix, keys=flag).data == [prefix]


def kv_raw(consul, prefix, flag):
    consul.kv.put(prefix, "x")
    return consul.kv.get(prefix, raw=flag).data == b"x"


def kv_delete_recurse(consul, prefix, flag):
    tree(consul, prefix)
    consul.kv.delete(prefix, recurse=flag)
    left = names(consul, prefix)
    assert left in (None, [f"{prefix}/a", f"{prefix}/b"])
    return left is None


def passing(consul, prefix, flag):
    consul.agent.service.register(prefix, check=Check.ttl("60s", status="critical"))
    assert len(until(lambda: consul.health.service(prefix).data)) == 1
    return not consul.health.service(prefix, passing=flag).data


def monitor_logjson(consul, prefix, flag):
    ended = threading.Event()

    def busy():
        # What the agent has to write of.
        with std.Consul(port=consul._target.http.port) as other:
            while not ended.wait(0.1):
                other.kv.get(prefix)

    thread = threading.Thread(target=busy)
    thread.start()
    lines = consul.agent.monitor("debug", flag, total=60)
    try:
        return lines.next().startswith("{")
    finally:
        lines.close()
        ended.set()
        thread.join()


def connect_passing(consul, prefix, flag):
    proxy = {"Kind": "connect-proxy", "Proxy": {"DestinationServiceName": prefix}}
    check = Check.ttl("60s", status="critical")
    consul.agent.service.register(f"{prefix}-proxy", port=80, check=check, extra=proxy)
    assert len(until(lambda: consul.health.connect(prefix).data)) == 1
    return not consul.health.connect(prefix, passing=flag).data


def members_wan(consul, prefix, flag):
    # There is no WAN pool here.
    return consul.agent.members(wan=flag) is None


def join_wan(consul, prefix, flag):
    with pytest.raises(ConsulException) as caught:
        consul.agent.join("127.0.0.1:1", wan=flag)
    return "WAN Federation is disabled" in str(caught.value)


def maintenance(consul, prefix, flag):
    consul.agent.maintenance(flag)
    found = "_node_maintenance" in consul.agent.checks()
    consul.agent.maintenance(False)
    return found


def service_maintenance(consul, prefix, flag):
    consul.agent.service.register(prefix)
    consul.agent.service.maintenance(prefix, flag)
    return f"_service_maintenance:{prefix}" in consul.agent.checks()


def replace_existing_checks(consul, prefix, flag):
    consul.agent.service.register(prefix, check={**Check.ttl("60s"), "CheckID": f"{prefix}-old"})
    consul.agent.service.register(
        prefix,
        check={**Check.ttl("60s"), "CheckID": f"{prefix}-new"},
        replace_existing_checks=flag,
    )
    checks = {name for name in consul.agent.checks() if name.startswith(prefix)}
    assert f"{prefix}-new" in checks
    return f"{prefix}-old" not in checks


def enable_tag_override(consul, prefix, flag):
    consul.agent.service.register(prefix, enable_tag_override=flag)
    return consul.agent.services()[prefix]["EnableTagOverride"]


def skip_node_update(consul, prefix, flag):
    consul.catalog.register(prefix, "10.0.0.1")
    consul.catalog.register(prefix, "10.0.0.2", {"Service": prefix}, skip_node_update=flag)
    address = consul.catalog.node(prefix).data["Node"]["Address"]
    consul.catalog.deregister(prefix)
    return address == "10.0.0.1"


def query_create_onlypassing(consul, prefix, flag):
    query = consul.query.create(prefix, prefix, onlypassing=flag)["ID"]
    (stored,) = consul.query.get(query)
    consul.query.delete(query)
    return stored["Service"]["OnlyPassing"]


def query_update_onlypassing(consul, prefix, flag):
    query = consul.query.create(prefix, prefix)["ID"]
    consul.query.update(query, prefix, prefix, onlypassing=flag)
    (stored,) = consul.query.get(query)
    consul.query.delete(query)
    return stored["Service"]["OnlyPassing"]


def query_create_connect(consul, prefix, flag):
    query = consul.query.create(prefix, prefix, connect=flag)["ID"]
    (stored,) = consul.query.get(query)
    consul.query.delete(query)
    return stored["Service"]["Connect"]


def query_update_connect(consul, prefix, flag):
    query = consul.query.create(prefix, prefix)["ID"]
    consul.query.update(query, prefix, prefix, connect=flag)
    (stored,) = consul.query.get(query)
    consul.query.delete(query)
    return stored["Service"]["Connect"]


def query_execute_connect(consul, prefix, flag):
    # The servers are no part of the mesh.
    query = consul.query.create("consul", prefix)["ID"]
    found = consul.query.execute(query, connect=flag)["Nodes"]
    consul.query.delete(query)
    return not found


#: Whether the server did what the flag asks for.
EFFECTS = {
    ("agent.monitor", "logjson"): monitor_logjson,
    ("kv.get", "recurse"): kv_recurse,
    ("kv.get", "keys"): kv_keys,
    ("kv.get", "raw"): kv_raw,
    ("kv.delete", "recurse"): kv_delete_recurse,
    ("health.service", "passing"): passing,
    ("health.connect", "passing"): connect_passing,
    ("agent.members", "wan"): members_wan,
    ("agent.join", "wan"): join_wan,
    ("agent.maintenance", "enable"): maintenance,
    ("agent.service.maintenance", "enable"): service_maintenance,
    ("agent.service.register", "replace_existing_checks"): replace_existing_checks,
    ("agent.service.register", "enable_tag_override"): enable_tag_override,
    ("catalog.register", "skip_node_update"): skip_node_update,
    ("query.create", "onlypassing"): query_create_onlypassing,
    ("query.update", "onlypassing"): query_update_onlypassing,
    ("query.create", "connect"): query_create_connect,
    ("query.update", "connect"): query_update_connect,
    ("query.execute", "connect"): query_execute_connect,
}
#: Those that the answer shows in its headers, by the arguments of the call.
CACHED = {
    "catalog.datacenters": (),
    "catalog.connect": ("consul",),
    "catalog.service": ("consul",),
    "catalog.services": (),
    "health.connect": ("consul",),
    "health.ingress": ("consul",),
    "health.service": ("consul",),
    "query.execute": ("query",),
}
UNSEEN = {
    ("acl.token.get", "expanded"): "test_an_expanded_token in test_acl_token.py",
    ("acl.token.create", "local"): "test_what_cannot_be_changed in test_acl_token.py",
    ("acl.token.update", "local"): "test_what_cannot_be_changed in test_acl_token.py",
    ("catalog.service", "merge_central_config"): "it needs proxy-defaults",
    ("catalog.connect", "merge_central_config"): "it needs proxy-defaults",
    ("catalog.node_services", "merge_central_config"): "it needs proxy-defaults",
    ("health.service", "merge_central_config"): "it needs proxy-defaults",
    ("health.connect", "merge_central_config"): "it needs proxy-defaults",
    ("health.ingress", "merge_central_config"): "it needs proxy-defaults",
    ("health.ingress", "passing"): "it needs a config entry; see test_health.py",
    ("catalog.datacenters", "must_revalidate"): "test_must_revalidate",
    ("query.execute", "must_revalidate"): "as of catalog.datacenters: it is a header",
    ("agent.force_leave", "prune"): "test_prune",
    ("agent.connect.authorize", "cached"): "the agent always answers it from its cache",
    ("agent.connect.ca.leaf", "cached"): "the agent always answers it from its cache",
    ("agent.connect.ca.roots", "cached"): "test_mesh.py: test_roots",
    ("agent.metrics", "format_prometheus"): "test_agent_more.py: test_metrics_for_prometheus",
    ("connect.ca.roots", "pem"): "test_mesh.py: test_roots",
    ("connect.ca.set_configuration", "force_without_cross_signing"): "the provider can cross-sign",
    ("connect.intentions.match", "cached"): "test_mesh.py: test_which_intentions_apply",
    ("discovery_chain.compile", "cached"): "as of discovery_chain.get",
    ("discovery_chain.get", "cached"): "test_mesh.py: test_a_discovery_chain",
    ("operator.autopilot.set_configuration", "cleanup_dead_servers"): "test_operator.py",
    ("operator.keyring.list", "local_only"): "there is one datacenter",
    ("operator.usage", "global_"): "there is one datacenter",
    # Consul Enterprise, and Consul 2.1.
    **dict.fromkeys(
        (
            ("operator.area.create", "use_tls"),
            ("operator.area.update", "use_tls"),
            ("operator.autopilot.set_configuration", "disable_upgrade_migration"),
            ("operator.feature.set", "enabled"),
            ("operator.utilization", "send_report"),
            ("operator.utilization", "today_only"),
            ("partition.create", "disable_gossip"),
            ("partition.update", "disable_gossip"),
        ),
        "no server at hand has it",
    ),
    ("agent.force_leave", "wan"): "1.8.7 does not know it, and the WAN pool has no node to lose",
}


def test_no_flag_is_left_out():
    found = {(name, argument) for name, argument, kind in ALL if kind == "flag"}
    assert found == {*EFFECTS, *((name, "cached") for name in CACHED), *UNSEEN}


@one_flavour
@pytest.mark.parametrize(("on", "off"), FORMS)
@pytest.mark.parametrize(
    ("name", "argument"), [pytest.param(*pair, id="-".join(pair)) for pair in EFFECTS]
)
def test_a_flag_does_what_it_says(consul, prefix, name, argument, on, off):
    effect = EFFECTS[name, argument]
    try:
        assert not effect(consul, f"{prefix}-off", off)
        assert effect(consul, f"{prefix}-on", on)
    finally:
        for service in list(consul.agent.services()):
            if service.startswith(prefix):
                consul.agent.service.deregister(service)


@one_flavour
@pytest.mark.parametrize(("on", "off"), FORMS)
@pytest.mark.parametrize("name", CACHED)
def test_the_cache_answers_when_it_is_asked_for(make_client, agent, prefix, name, on, off):
    answers = []
    consul = make_client(port=agent.port, on_response=lambda exchange: answers.append(exchange))
    arguments = CACHED[name]
    if name == "query.execute":
        arguments = (consul.query.create("consul", prefix)["ID"],)
    method = consul
    for part in name.split("."):
        method = getattr(method, part)
    for flag, expected in ((off, False), (on, True)):
        answers.clear()
        method(*arguments, cached=flag)
        (exchange,) = answers
        headers = {field.lower() for field in exchange.response.headers}
        assert ("x-cache" in headers) is expected
    if name == "query.execute":
        consul.query.delete(*arguments)


@one_flavour
def test_must_revalidate(make_client, agent):
    answers = []
    consul = make_client(port=agent.port, on_response=answers.append)
    consul.catalog.datacenters(cached=True)
    found = []
    for must in (False, True, "0", "true"):
        consul.catalog.datacenters(cached=True, must_revalidate=must)
        found.append(answers[-1].response.headers["x-cache"])
    assert found == ["HIT", "MISS", "HIT", "MISS"]


@one_flavour
def test_prune(make_client, server, prefix):
    member = {"server": False, "bootstrap": False, "leave_on_terminate": False}
    with Agent(server) as first:
        consul = make_client(port=first.port)
        second = Agent(server, config=member, persistent=True)
        try:
            second.start(wait=False)
            until(lambda: _joined(consul, second))
            second.kill()
            for flag in ("0", "true"):
                consul.agent.force_leave(second.name, prune=flag)
                left = second.name in [one["Name"] for one in consul.agent.members()]
                assert left is (flag == "0")
        finally:
            second.close()


def _joined(consul, agent):
    try:
        consul.agent.join(f"127.0.0.1:{agent.lan_port}")
    except ConsulException:
        return False
    return agent.name in [one["Name"] for one in consul.agent.members()]
