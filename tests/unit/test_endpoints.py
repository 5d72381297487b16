"""What the endpoint methods send; first of all, what holds for every one of them."""

import inspect
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from consul.api.noun import Noun
from consul.base import Consul
from consul.exceptions import NotFound, TransactionRolledBack
from consul.request import Response

TOKEN = "very-secret-token"
ENDPOINTS = {
    (row["method"], row["path"]): row
    for row in json.loads(Path(__file__).with_name("endpoints.json").read_text())
}
#: A value for each parameter without a default.
SAMPLES = {
    "acl_id": "legacy-secret",
    "address": "10.0.0.1",
    "check": {"ttl": "10s"},
    "check_id": "check 1",
    "enable": True,
    "key": "a/b",
    "name": "name",
    "node": "node 1",
    "payload": [{"KV": {"Verb": "get", "Key": "a"}}],
    "query": "query",
    "query_id": "q1",
    "service": "web",
    "service_id": "web 1",
    "session_id": "s1",
    "value": "v",
}
#: Each write: whether doing it twice comes to the same as doing it once, its answer included.
REPEATABLE = {
    # Makes something new each time, or answers otherwise the second time.
    "acl.clone": False,
    "acl.create": False,
    "acl.destroy": False,
    "acl.update": False,
    # 404 for what is gone.
    "agent.check.deregister": False,
    "agent.check.register": True,
    "agent.check.ttl_fail": True,
    "agent.check.ttl_pass": True,
    "agent.check.ttl_warn": True,
    "agent.force_leave": True,
    "agent.join": True,
    "agent.maintenance": True,
    "agent.service.deregister": False,
    "agent.service.maintenance": True,
    "agent.service.register": True,
    "catalog.deregister": True,
    "catalog.register": True,
    "event.fire": False,
    "kv.delete": True,
    "kv.put": True,
    "query.create": False,
    # An error for what is gone.
    "query.delete": False,
    "query.update": True,
    "session.create": False,
    "session.destroy": True,
    "session.renew": True,
    # Its operations may be conditional.
    "txn.put": False,
}

#: Where the keyword is that of a check, as in python-consul.
TIMEOUT_MEANS_SOMETHING_ELSE = {"agent.check.register", "agent.service.register"}


def public(noun, name):
    for member, _ in inspect.getmembers(type(noun), inspect.isfunction):
        if not member.startswith("_"):
            yield f"{name}.{member}"
    for attribute, inner in vars(noun).items():
        if attribute != "agent" and isinstance(inner, Noun):
            yield from public(inner, f"{name}.{attribute}")


def methods():
    client = Consul()
    for name, noun in vars(client).items():
        if isinstance(noun, Noun):
            yield from public(noun, name)


METHODS = sorted(methods())


def call(name, client, **more):
    method = client
    for part in name.split("."):
        method = getattr(method, part)
    arguments = {
        parameter.name: SAMPLES[parameter.name]
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    if name == "agent.check.register":
        arguments["check"] = SAMPLES["check"]
    elif name == "health.state":
        arguments["name"] = "any"
    return method(**arguments, **more)


def params(made):
    return dict(parse_qsl(made.request.target.partition("?")[2]))


def route(name):
    """Verb and path pattern of the docstring's last line."""
    method = Consul
    kind = Consul()
    for part in name.split("."):
        kind, method = getattr(kind, part), getattr(kind, part)
    found = re.fullmatch(r"``([A-Z]+) (/v1/\S+)``", inspect.getdoc(method).splitlines()[-1])
    assert found, f"{name}: the docstring must end with the route"
    return found[1], found[2]


def endpoint(name):
    verb, path = route(name)
    return ENDPOINTS[verb, re.sub(r":\w+", "{}", path)]


def test_all_nouns_are_walked():
    assert {name.partition(".")[0] for name in METHODS} == {
        "acl", "agent", "catalog", "coordinate", "event", "health", "kv", "operator", "query",
        "session", "status", "txn",
    }  # fmt: skip
    assert {"agent.service.register", "agent.check.ttl_pass"} <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
class TestEveryMethod:
    def test_takes_the_token_of_client_and_call_and_hides_it(self, name):
        for made in (call(name, Consul(token=TOKEN)), call(name, Consul(token="x"), token=TOKEN)):
            assert dict(made.request.headers)["X-Consul-Token"] == TOKEN
            assert TOKEN not in made.request.target
            assert TOKEN not in repr(made)
            assert TOKEN not in repr(made.request)
            assert TOKEN.encode() not in (made.request.body or b"")

    def test_takes_the_datacenter_of_client_and_call(self, name):
        assert params(call(name, Consul(dc="dc2")))["dc"] == "dc2"
        assert params(call(name, Consul(dc="dc2"), dc="dc3"))["dc"] == "dc3"

    def test_goes_where_its_docstring_says(self, name):
        verb, path = route(name)
        request = call(name, Consul()).request
        assert request.method == verb
        pattern = re.sub(r":\w+", "[^/]+", path.replace(":key", ".+"))
        assert re.fullmatch(pattern, request.path)
        assert (verb, re.sub(r":\w+", "{}", path)) in ENDPOINTS

    def test_consistency(self, name):
        known = endpoint(name)
        sent = params(call(name, Consul(consistency="stale")))
        # A transaction takes no mode here.
        reads = known["method"] == "GET" and known["consistency"]
        assert ("stale" in sent) == bool(reads)
        if reads:
            sent = params(call(name, Consul(consistency="stale"), consistency="consistent"))
            assert "consistent" in sent
            assert "stale" not in sent

    def test_blocking(self, name):
        known = endpoint(name)
        if known["blocking"] == "index" and not known["removed"]:
            made = call(name, Consul(), index=7, wait="5s")
            assert params(made)["index"] == "7"
            assert params(made)["wait"] == "5s"
            assert made.request.deadline > 5

    def test_takes_namespace_and_partition_of_client_and_call(self, name):
        client = Consul(ns="team", partition="part")
        sent = params(call(name, client))
        assert (sent["ns"], sent["partition"]) == ("team", "part")
        sent = params(call(name, client, ns="other", partition="rest"))
        assert (sent["ns"], sent["partition"]) == ("other", "rest")
        assert not {"ns", "partition"} & set(params(call(name, Consul())))

    def test_takes_the_timeout_of_client_and_call(self, name):
        assert call(name, Consul(timeout=7)).request.deadline == 7
        if name not in TIMEOUT_MEANS_SOMETHING_ELSE:
            request = call(name, Consul(timeout=7), timeout=(1, 5)).request
            assert (request.deadline, request.connect) == (5, 1)

    def test_only_what_comes_to_the_same_is_repeated(self, name):
        request = call(name, Consul()).request
        assert request.repeatable == (request.method == "GET" or REPEATABLE[name])

    def test_unknown_keywords_are_refused(self, name):
        with pytest.raises(TypeError, match="nonsense"):
            call(name, Consul(), nonsense=1)


def test_the_table_of_writes_is_complete():
    assert {name for name in METHODS if route(name)[0] != "GET"} == set(REPEATABLE)


@pytest.mark.parametrize("recurse", [None, True])
@pytest.mark.parametrize("flags", [None, 0, 5])
def test_unconditional_writes_to_kv_are_repeatable(flags, recurse):
    assert Consul().kv.put("x", "v", flags=flags).request.repeatable
    assert Consul().kv.delete("x", recurse).request.repeatable


@pytest.mark.parametrize(
    "condition",
    [
        {"cas": 0},
        {"cas": "0"},
        {"cas": 7},
        {"acquire": "s"},
        {"acquire": ""},
        {"release": "s"},
        {"release": ""},
        {"cas": 7, "acquire": "s"},
    ],
)
def test_conditional_writes_to_kv_are_not(condition):
    assert not Consul().kv.put("x", "v", **condition).request.repeatable
    if set(condition) == {"cas"}:
        assert not Consul().kv.delete("x", **condition).request.repeatable


C = Consul()


def body(made):
    return json.loads(made.request.body)


def test_agent_writes():
    assert C.agent.maintenance(True, "why").request.target == (
        "/v1/agent/maintenance?enable=true&reason=why"
    )
    assert C.agent.maintenance("false").request.target == "/v1/agent/maintenance?enable=false"
    assert C.agent.join("[::1]:1", True).request.target == "/v1/agent/join/%5B%3A%3A1%5D%3A1?wan=1"
    assert C.agent.force_leave("n", prune=True).request.target == "/v1/agent/force-leave/n?prune=1"
    assert C.agent.members(True).request.target == "/v1/agent/members?wan=1"
    assert C.agent.check.ttl_pass("c", "n b").request.target == "/v1/agent/check/pass/c?note=n%20b"
    with pytest.raises(ValueError, match="enable"):
        C.agent.maintenance("yes")


def test_a_service_keeps_falsy_values():
    made = C.agent.service.register("web", port=0, tags=[], meta={}, extra={"Kind": ""})
    assert body(made) == {
        "Name": "web",
        "Port": 0,
        "Tags": [],
        "Meta": {},
        "EnableTagOverride": False,
        "Kind": "",
    }


def test_old_check_arguments_are_deprecated():
    with pytest.warns(DeprecationWarning, match="ttl") as caught:
        made = C.agent.service.register("web", ttl="10s", weights={"Passing": 1})
    assert caught[0].filename == __file__
    assert body(made)["Check"] == {"ttl": "10s"}
    with pytest.warns(DeprecationWarning, match="script"):
        assert body(C.agent.check.register("c", script="x", interval=1))["args"][-1] == "x"
    with pytest.raises(ValueError, match="check and ttl"):
        C.agent.service.register("web", check={"ttl": "1s"}, ttl="10s")
    with pytest.raises(ValueError, match="check is required"):
        C.agent.check.register("c")


def test_a_check_is_merged():
    check = {"ttl": "10s", "Interval": "1s"}
    assert body(C.agent.check.register("c", check, "id", "", "web")) == {
        "Name": "c",
        "ttl": "10s",
        "Interval": "1s",
        "ID": "id",
        "Notes": "",
        "ServiceID": "web",
    }
    assert check == {"ttl": "10s", "Interval": "1s"}


def test_catalog():
    client = Consul(dc="dc2")
    made = client.catalog.register("n", "a", node_meta={"k": "v"})
    assert body(made) == {
        "Node": "n", "Address": "a", "Datacenter": "dc2", "NodeMeta": {"k": "v"}
    }  # fmt: skip
    assert body(C.catalog.deregister("n", check_id="c")) == {"Node": "n", "CheckID": "c"}
    with pytest.raises(ValueError, match="service_id and check_id"):
        C.catalog.deregister("n", "s", "c")
    with pytest.raises(ValueError, match="service_id"):
        C.catalog.deregister("n", "")
    assert C.catalog.service("s", tag=["a", "b"]).request.target == (
        "/v1/catalog/service/s?tag=a&tag=b"
    )
    assert C.catalog.node("n").read(Response(200, {"x-consul-index": "5"}, b"null")) == (5, None)


def test_health():
    assert C.health.service("s", None, None, True, "a").request.target == (
        "/v1/health/service/s?passing=1&tag=a"
    )
    assert C.health.service("s", passing=False).request.target == "/v1/health/service/s"
    with pytest.raises(ValueError, match="name"):
        C.health.state("good")


def test_session():
    assert C.session.create().request.body == b""
    assert body(C.session.create("n", "m", [], 0.001, "delete", 86400.0)) == {
        "name": "n",
        "node": "m",
        "checks": [],
        "lockdelay": "0.001s",
        "behavior": "delete",
        "ttl": "86400s",
    }
    with pytest.raises(ValueError, match="behavior"):
        C.session.create(behavior="keep")
    assert C.session.renew("s").read(Response(200, {}, b'[{"ID": "s"}]')) == {"ID": "s"}
    with pytest.raises(NotFound):
        C.session.renew("s").read(Response(404, {}, b"gone"))
    assert C.session.info("s").read(Response(200, {}, b"[]")).data is None


def test_legacy_acl_ids_are_secrets():
    for made in (C.acl.info("a b-id"), C.acl.clone("a b-id"), C.acl.destroy("a b-id")):
        assert "b-id" not in repr(made)
        assert "b-id" not in made.request.shown
    assert body(C.acl.create("n", rules="", acl_id="x")) == {
        "ID": "x", "Name": "n", "Type": "client", "Rules": ""
    }  # fmt: skip
    with pytest.raises(ValueError, match="type"):
        C.acl.create(type="root")


def test_event():
    made = C.event.fire("deploy", b"\xff", tag="t")
    assert (made.request.target, made.request.body) == ("/v1/event/fire/deploy?tag=t", b"\xff")
    answer = Response(200, {"x-consul-index": "9"}, b'[{"Payload": "YQ=="}, {"Payload": null}]')
    assert C.event.list().read(answer) == (9, [{"Payload": b"a"}, {"Payload": None}])


def test_txn():
    for payload in ("x", {"KV": {}}, ["KV"]):
        with pytest.raises(TypeError, match="payload"):
            C.txn.put(payload)
    made = C.txn.put([])
    assert made.request.body == b"[]"
    with pytest.raises(TransactionRolledBack) as caught:
        made.read(Response(409, {}, b'{"Errors": [{"OpIndex": 0, "What": "no"}]}'))
    assert caught.value.errors == [{"OpIndex": 0, "What": "no"}]


def test_query():
    made = C.query.create("web", "n", None, "s", TOKEN, 0, ["dc2"], False, [], 10)
    assert body(made) == {
        "Name": "n",
        "Session": "s",
        "Service": {
            "Service": "web",
            "Failover": {"NearestN": 0, "Datacenters": ["dc2"]},
            "OnlyPassing": False,
            "Tags": [],
        },
        "DNS": {"TTL": "10s"},
    }
    template = {"Type": "name_prefix_match", "Regexp": ""}
    assert body(C.query.create("web", regexp=""))["Template"] == template
    assert body(C.query.update("q", "web", capture_token="kept"))["Token"] == "kept"
    assert C.query.execute("q", near="_agent", limit=1).request.target == (
        "/v1/query/q/execute?limit=1&near=_agent"
    )
