"""What holds for every endpoint method.

The methods are compared with endpoints.json, the facts of Consul's own endpoints, 1.8 to 2.1: the
query parameters and the fields of the body, the modes of consistency, blocking, caching, and the
versions with the endpoint.  tests/unit/api has the tests of the single nouns.

A parameter or field is sent by the keyword of its name in snake case.  Where a keyword is called
otherwise, PARAMETERS and FIELDS say how.
"""

import importlib
import inspect
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from consul.api.noun import Noun
from consul.base import Consul
from consul.core.bodies import plain
from consul.core.endpoint import FORMER, Route
from tests.large import archive

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN = "very-secret-token"
ENDPOINTS = {
    (row["method"], re.sub(r"\{\w+\}", "{}", row["path"])): row
    for row in json.loads(Path(__file__).with_name("endpoints.json").read_text())
}
#: The smallest snapshot.
SNAPSHOT = b"".join(archive(1, 9))
#: A value for each parameter without a default, where a text like "7" does not do.
SAMPLES = {
    "acl_id": "legacy-secret",
    "address": "10.0.0.1",
    "check": {"ttl": "10s"},
    "addresses": ["10.0.0.1"],
    "check_id": "check 1",
    "coord": {"Vec": [0.0] * 8},
    "enabled": True,
    "config": {"a": "b"},
    "data": {"Kind": "service-defaults", "Name": "web", "Meta": {"a": "b"}},
    "enable": True,
    "gateway": "gateway",
    "key": "a/b",
    "name": "name",
    "node": "node 1",
    "payload": [{"KV": {"Verb": "get", "Key": "a"}}],
    "query": "query",
    "query_id": "q1",
    "service": "web",
    "service_id": "web 1",
    "session_id": "s1",
    "target": "a.snap",
    "value": "v",
}
#: Each common option with a value, and what the request then has as a parameter or a header.
OPTIONS = {
    "cached": (True, ("cached", "1")),
    "consistency": ("stale", ("stale", "1")),
    "dc": ("dc3", ("dc", "dc3")),
    "filter": ("Node == a", ("filter", "Node == a")),
    "hash": ("abc", ("hash", "abc")),
    "index": (7, ("index", "7")),
    "max_age": (5, ("Cache-Control", "max-age=5")),
    "max_stale": (8, ("max_stale", "8s")),
    "merge_central_config": (True, ("merge-central-config", "1")),
    "must_revalidate": (True, ("Cache-Control", "must-revalidate")),
    "near": ("_agent", ("near", "_agent")),
    "node_meta": ({"a": "b"}, ("node-meta", "a:b")),
    "ns": ("team", ("ns", "team")),
    "partition": ("part", ("partition", "part")),
    "peer": ("other", ("peer", "other")),
    "sameness_group": ("sg", ("sg", "sg")),
    "stale_if_error": ("9s", ("Cache-Control", "stale-if-error=9")),
    "token": (TOKEN, ("X-Consul-Token", TOKEN)),
    "wait": ("5s", ("wait", "5s")),
}
#: What an option means nothing without.
CACHED = {"cached": True}
NEEDS = {
    "wait": {"index": 7},
    "max_age": CACHED,
    "must_revalidate": CACHED,
    "stale_if_error": CACHED,
}
#: Query parameters whose keyword is not their name in snake case.
PARAMETERS = {
    "sg": "sameness_group",
    "global": "global_",
    "id": "peer_id",
    "note": "notes",
    ("agent.metrics", "format"): "format_prometheus",
    # As in py-consul.
    ("acl.binding_rule.list", "authmethod"): "auth_method",
}
#: What Enterprise takes in the body as well as in the URL, where every call can send it.
SENT_IN_URL = {"Namespace": "ns", "Partition": "partition"}
#: Where the keyword of an option is something else, as in python-consul.
OTHER_MEANING = {
    ("agent.check.register", "timeout"),
    ("agent.service.register", "timeout"),
    ("catalog.register", "node_meta"),
    *((f"query.{name}", option) for name in ("create", "update")
      for option in ("near", "node_meta", "sameness_group")),
}  # fmt: skip

CHECK_FIELDS = ENDPOINTS["PUT", "/v1/agent/check/register"]["body"]
#: The keyword, and a value where a text does not do, for a field whose keyword is not its name in
#: snake case: by the name of the method and the field, or by the field alone.
FIELDS: dict[object, tuple[str | None, object]] = {
    ("acl.auth_method.create", "Type"): ("method_type", "jwt"),
    ("acl.auth_method.update", "Type"): ("method_type", "jwt"),
    ("acl.create", "ID"): ("acl_id", None),
    ("acl.create", "Type"): ("type", "client"),
    ("acl.update", "ID"): ("acl_id", None),
    ("acl.update", "Type"): ("type", "client"),
    ("acl.policy.update", "ID"): ("policy_id", None),
    ("acl.role.update", "ID"): ("role_id", None),
    **{
        ("agent.check.register", name): ("check", {"TTL": "10s", name: value})
        for name, value in {
            **{row["name"]: "10s" for row in CHECK_FIELDS if "duration" in row["type"]},
            **{row["name"]: "a" for row in CHECK_FIELDS if row["type"] == "string"},
            **{row["name"]: True for row in CHECK_FIELDS if row["type"] == "bool"},
            **{row["name"]: 3 for row in CHECK_FIELDS if row["type"] == "int"},
            "Args": ["a"],
            "Header": {"A": ["b"]},
        }.items()
        if name not in ("ID", "Name", "Notes", "ServiceID")
    },
    ("agent.check.register", "ID"): ("check_id", None),
    ("agent.service.register", "ID"): ("service_id", None),
    ("agent.service.register", "Checks"): ("extra_checks", [{"TTL": "10s"}]),
    ("agent.service.register", "Check"): ("check", {"TTL": "10s"}),
    ("agent.token.set", "Token"): ("secret", None),
    **{("config.put", name): ("data", SAMPLES["data"]) for name in ("Kind", "Name", "Meta")},
    ("acl.templated_policy.preview", "Name"): ("template_variables", {"Name": "7"}),
    ("catalog.register", "ID"): ("node_id", None),
    **{(f"catalog.{name}register", "Datacenter"): ("dc", None) for name in ("", "de")},
    **{
        (f"query.{name}", field): given
        for name in ("create", "update")
        for field, given in {
            "Service": ("service", None),
            "Token": ("capture_token", None),
            "DNS": ("ttl", 10),
            "Template": ("template", {"Type": "name_prefix_match"}),
            # Within a structure.
            "DNS.TTL": ("ttl", 10),
            "Service.Connect": ("connect", True),
            "Service.Failover.Datacenters": ("datacenters", ["dc2"]),
            "Service.Failover.NearestN": ("nearestn", 2),
            "Service.Failover.Targets": ("targets", [{"Peer": "a"}]),
            "Service.IgnoreCheckIDs": ("ignore_check_ids", ["a"]),
            "Service.Near": ("near", None),
            "Service.NodeMeta": ("node_meta", {"a": "b"}),
            "Service.OnlyPassing": ("onlypassing", True),
            "Service.SamenessGroup": ("sameness_group", None),
            "Service.Service": ("service", None),
            "Service.ServiceMeta": ("service_meta", {"a": "b"}),
            "Service.Tags": ("tags", ["a"]),
            "Service.Peer": ("service_fields", {"Peer": "a"}),
            "Template.Regexp": ("regexp", None),
        }.items()
    },
}
#: Values of keywords that take no text: of bodies by the keyword, of the query with the method.
VALUES: dict[object, object] = {
    ("agent.join", "wan"): True,
    ("agent.members", "wan"): True,
    ("agent.metrics", "format_prometheus"): True,
    **dict.fromkeys(
        (("agent.service.health_by_id", "format"), ("agent.service.health_by_name", "format")),
        "text",
    ),
    "ai": {"Role": "a"},
    "connect": {"Native": True},
    "enable_tag_override": True,
    "locality": {"Region": "a"},
    "port": 80,
    "ports": [{"Name": "a", "Port": 80}],
    "proxy": {"DestinationServiceName": "a"},
    "tagged_addresses": {"lan": {"Address": "a", "Port": 80}},
    "tags": ["a"],
    "weights": {"Passing": 3, "Warning": 1},
    "acls": {"PolicyDefaults": [{"Name": "a"}]},
    "bind_vars": {"a": "b"},
    **dict.fromkeys(("cleanup_dead_servers", "disable_gossip", "use_tls"), True),
    "disable_upgrade_migration": True,
    "last_contact_threshold": "1s",
    "retry_join": ["10.0.0.1"],
    "server_stabilization_time": "1s",
    "override_connect_timeout": "5s",
    "override_mesh_gateway": {"Mode": "local"},
    "permissions": [{"Action": "allow"}],
    "server_external_addresses": ["10.0.0.1:8503"],
    "force_without_cross_signing": True,
    "config": {"a": "b"},
    "datacenters": ["dc1"],
    "meta": {"a": "b"},
    "policies": [{"Name": "a"}],
    "roles": [{"Name": "a"}],
    "expiration_ttl": "5m",
    "auth_method": "auth",
    "local": True,
    "max_token_ttl": "5m",
    "namespace_rules": [{"Selector": "a"}],
    "node_identities": [{"NodeName": "a", "Datacenter": "dc1"}],
    "service_identities": [{"ServiceName": "a"}],
    "templated_policies": [{"TemplateName": "a"}],
    "behavior": "delete",
    "check": {"Name": "a"},
    "checks": [{"Name": "a"}],
    ("session.create", "checks"): ["a"],
    "lock_delay": 5,
    "node_checks": ["a"],
    "node_meta": {"a": "b"},
    ("catalog.register", "service"): {"Service": "a"},
    "service_checks": [{"ID": "a"}],
    "skip_node_update": True,
    ("catalog.register", "tagged_addresses"): {"lan": "10.0.0.1"},
    "ttl": 10,
}
#: A value for a parameter by its type.
BY_TYPE = {
    **dict.fromkeys(("flag", "bool", "flag or bool"), True),
    **dict.fromkeys(("string", "regex", "string (id)", "string (session id)"), "7"),
    **dict.fromkeys(("int", "uint64", "int 0–5"), 3),
    "string (repeatable)": ["7"],
}


def keyword_of(field, keywords):
    """The keyword that is spelled like *field*; None where there is none."""
    return next((each for each in sorted(keywords) if plain(each) == plain(field)), None)


def _renamed(name):
    return [
        (key, found)
        for key, found in ((k, v) for k, v in FIELDS.items() if isinstance(k, tuple))
        if key[0] == name
    ]


def _renamed_fields(name):
    return [(path, found) for (_, path), found in _renamed(name) if "." in path]


def value_of(name, keyword):
    """A value for the keyword of a field."""
    found = VALUES.get((name, keyword), VALUES.get(keyword))
    return SAMPLES.get(keyword, "7") if found is None else found


def nouns(owner, path=""):
    """The class of each noun of a client, or of a noun, by its dotted name."""
    for name in dir(type(owner)):
        # The attribute agent of a noun is its client.
        if not name.startswith("_") and (name != "agent" or not path):
            noun = getattr(owner, name)
            # Not a further name of another noun.
            if isinstance(noun, Noun) and type(noun).__module__ == f"consul.api.{path}{name}":
                yield f"{path}{name}", type(noun)
                yield from nouns(noun, f"{path}{name}.")


NOUNS = dict(nouns(Consul()))
#: The endpoints by all their names, the further ones included.
NAMES = {
    f"{noun}.{name}": method
    for noun, kind in NOUNS.items()
    for name, method in inspect.getmembers(kind, inspect.isfunction)
    if hasattr(method, "route")
}
#: The endpoints, each by the name of its route.
METHODS = {name: method for name, method in NAMES.items() if name == method.route.name}


def call(name, client, /, **more):
    method = client
    for part in name.split("."):
        method = getattr(method, part)
    arguments = {
        parameter.name: SAMPLES.get(parameter.name, "7")
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    if name == "agent.check.register":
        arguments["check"] = SAMPLES["check"]
    elif name == "operator.raft.remove_peer" and not more.keys() & {"peer_id", "address"}:
        arguments["address"] = "10.0.0.1:8300"
    elif name == "health.state":
        arguments["name"] = "any"
    elif name == "snapshot.restore":
        arguments["source"] = SNAPSHOT
    return method(**{**arguments, **more})


def params(made):
    return dict(parse_qsl(made.request.target.partition("?")[2]))


def facts(name):
    route = METHODS[name].route
    return ENDPOINTS[route.method, re.sub(r":\w+", "{}", route.path)]


def reads(name):
    known = facts(name)
    # A transaction takes no mode here.
    return bool(known["consistency"]) and known["id"] != "txn"


def understood(name):
    """The options that the endpoint understands."""
    known = facts(name)
    found = {"token", "dc", "ns", "partition", "timeout"}
    if known["blocking"] == "index":
        found |= {"index", "wait"}
    elif known["blocking"] == "hash":
        found |= {"hash", "wait"}
    if reads(name):
        found.add("consistency")
        if name.split(".")[0] in ("catalog", "health", "query"):
            found.add("max_stale")
    if known["caching"] != "none":
        found.add("cached")
    if known["caching"] == "simple":
        found |= {"max_age", "stale_if_error", "must_revalidate"}
    return found | keywords_of_query(name).intersection(OPTIONS)


def keyword_of_parameter(name, parameter):
    """The keyword of the method *name* for a query parameter."""
    return PARAMETERS.get((name, parameter)) or PARAMETERS.get(
        parameter, parameter.replace("-", "_")
    )


def keywords_of_query(name):
    """The keyword for each query parameter of an endpoint."""
    return {keyword_of_parameter(name, parameter["name"]) for parameter in facts(name)["query"]}


def test_all_nouns_are_walked():
    assert {"acl", "agent.check", "kv", "partition"} <= set(NOUNS)
    assert {"agent.service.register", "agent.check.ttl_pass"} <= set(METHODS)


def test_each_further_name_is_that_of_an_endpoint():
    for method in NAMES.values():
        assert METHODS[method.route.name] is method


def test_all_facts_are_used():
    used = {facts(name)["id"] for name in METHODS}
    every = {row["id"] for row in ENDPOINTS.values()}
    assert used == every


@pytest.mark.parametrize("name", METHODS)
class TestEveryMethod:
    def test_has_a_route_that_says_what_the_facts_say(self, name):
        route = METHODS[name].route
        assert isinstance(route, Route)
        assert route.name == name
        known = facts(name)
        assert (route.since, route.removed) == (known["since"], known["removed"])
        assert set(route.conditions) <= {parameter["name"] for parameter in known["query"]}

    def test_ends_its_docstring_with_its_route(self, name):
        route = METHODS[name].route
        last = inspect.getdoc(METHODS[name]).splitlines()[-1]
        assert last == f"``{route.method} {route.path}``"

    def test_goes_to_its_route(self, name):
        route, made = METHODS[name].route, call(name, Consul())
        assert made.route is route
        assert made.request.method == route.method
        pattern = re.sub(r":\w+", "[^/]+", route.path.replace(":key", ".+"))
        assert re.fullmatch(pattern, made.request.path)
        assert set(params(made)) <= {parameter["name"] for parameter in facts(name)["query"]}

    def test_can_send_every_parameter_of_the_query(self, name):
        route = METHODS[name].route
        for parameter in facts(name)["query"]:
            keyword = keyword_of_parameter(name, parameter["name"])
            assert keyword in route.keywords
            value, _ = OPTIONS.get(keyword, (None, None))
            if value is None or (name, keyword) in OTHER_MEANING:
                value = VALUES.get((name, keyword), BY_TYPE[parameter["type"]])
            made = call(name, Consul(), **{keyword: value})
            assert parameter["name"] in dict(made.request.params)

    def test_can_send_every_field_of_the_body(self, name):
        client, fields = Consul(), facts(name)["body"]
        for field in (field["name"] for field in fields if field["name"].isidentifier()):
            if field in SENT_IN_URL:
                continue
            keyword, value = FIELDS.get((name, field)) or FIELDS.get(field) or (None, None)
            keyword = keyword or keyword_of(field, METHODS[name].route.keywords)
            assert keyword is not None, f"there is no keyword for {field}"
            value = value_of(name, keyword) if value is None else value
            sent = json.loads(call(name, client, **{keyword: value}).request.body)
            assert plain(field) in map(plain, sent), f"{keyword} does not send {field}"

    def test_can_send_the_fields_within_structures(self, name):
        for path, (keyword, value) in _renamed_fields(name):
            value = value_of(name, keyword) if value is None else value
            sent = json.loads(call(name, Consul(), **{keyword: value}).request.body)
            for field in path.split("."):
                assert field in sent, f"{keyword} does not send {path}"
                sent = sent[field]

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

    def test_consistency(self, name):
        sent = params(call(name, Consul(consistency="stale")))
        assert ("stale" in sent) == reads(name)
        if reads(name):
            sent = params(call(name, Consul(consistency="stale"), consistency="consistent"))
            assert "consistent" in sent
            assert "stale" not in sent

    def test_blocking(self, name):
        if facts(name)["blocking"] == "index":
            made = call(name, Consul(), index=7, wait="5s")
            assert params(made)["index"] == "7"
            assert params(made)["wait"] == "5s"
            assert made.request.deadline > 5
            assert made.request.hold == 5

    def test_takes_namespace_and_partition_of_client_and_call(self, name):
        client = Consul(ns="team", partition="part")
        sent = params(call(name, client))
        assert (sent["ns"], sent["partition"]) == ("team", "part")
        sent = params(call(name, client, ns="other", partition="rest"))
        assert (sent["ns"], sent["partition"]) == ("other", "rest")
        assert not {"ns", "partition"} & set(params(call(name, Consul())))

    def test_takes_the_timeout_of_client_and_call(self, name):
        assert call(name, Consul(timeout=7)).request.deadline == 7
        if (name, "timeout") not in OTHER_MEANING:
            request = call(name, Consul(timeout=7), timeout=(1, 5)).request
            assert (request.deadline, request.connect) == (5, 1)

    def test_takes_the_options_that_the_endpoint_understands(self, name):
        for option in understood(name) & set(OPTIONS):
            value, sent = OPTIONS[option]
            needs = NEEDS.get(option, {})
            if option == "wait" and "hash" in understood(name):
                needs = {"hash": "abc"}
            request = call(name, Consul(), **{option: value}, **needs).request
            assert sent in (*request.params, *request.headers)

    def test_refuses_the_other_options_by_name(self, name):
        for option in set(OPTIONS) - understood(name):
            if (name, option) not in OTHER_MEANING:
                with pytest.raises(TypeError, match=f"'{option}'"):
                    call(name, Consul(), **{option: OPTIONS[option][0]})

    def test_has_no_options_but_these(self, name):
        method = METHODS[name]
        own = set(inspect.signature(method).parameters)
        known = facts(name)
        fields = {plain(field["name"]) for field in known["body"]}
        rest = method.route.keywords - own - {"timeout", "extra", *OPTIONS}
        rest -= keywords_of_query(name)
        renamed = {keyword for (route, _), (keyword, _) in _renamed(name)}
        assert {each for each in rest - renamed if plain(each) not in fields} == set()

    def test_only_what_comes_to_the_same_is_repeated(self, name):
        made = call(name, Consul())
        assert made.repeatable == made.route.repeatable
        assert made.repeatable or made.request.method != "GET"

    def test_unknown_keywords_are_refused(self, name):
        with pytest.raises(TypeError, match=rf"{re.escape(name)}\(\).*'nonsense'"):
            call(name, Consul(), nonsense=1)


@pytest.mark.parametrize(
    ("name", "former", "now"),
    [
        ("acl.token.create", "payload", "extra"),
        ("acl.token.update", "policies_id", "policies"),
        ("acl.token.create", "roles_name", "roles"),
        ("acl.role.create", "policies_name", "policies"),
    ],
)
def test_what_the_forks_give_in_another_form_leads_to_ours(name, former, now):
    with pytest.raises(TypeError, match=rf"^{name}\(\) .* '{former}'; use {now}=$"):
        call(name, Consul(), **{former: 1})


FORMER_NAMES = [
    ("agent.checks", "filter_expr", "filter", "Node == a"),
    ("agent.services", "filter_expr", "filter", "Node == a"),
    ("catalog.node", "filter_expr", "filter", "Node == a"),
    ("catalog.nodes", "filter_expr", "filter", "Node == a"),
    ("catalog.register", "skipnodeupdate", "skip_node_update", True),
    ("catalog.services", "filter_expr", "filter", "Node == a"),
    ("health.checks", "filter_expr", "filter", "Node == a"),
    ("health.connect", "filter_expr", "filter", "Node == a"),
    ("health.ingress", "filter_expr", "filter", "Node == a"),
    ("health.node", "filter_expr", "filter", "Node == a"),
    ("health.service", "connections_timeout", "timeout", 7),
    ("health.service", "filter_expr", "filter", "Node == a"),
    ("health.state", "filter_expr", "filter", "Node == a"),
    ("kv.delete", "connections_timeout", "timeout", 7),
    ("kv.get", "connections_timeout", "timeout", 7),
    ("kv.put", "connections_timeout", "timeout", 7),
    ("query.create", "nodemeta", "node_meta", {"a": "b"}),
    ("query.update", "servicemeta", "service_meta", {"a": "b"}),
]


@pytest.mark.parametrize(("name", "former", "now", "value"), FORMER_NAMES)
def test_the_names_of_the_forks_are_taken(name, former, now, value):
    made, expected = call(name, Consul(), **{former: value}), call(name, Consul(), **{now: value})
    assert made.request == expected.request
    assert type(made) is type(expected)
    # Not given, also where None has a meaning here.
    assert call(name, Consul(), **{former: None}).request == call(name, Consul()).request
    assert call(name, Consul(), **{former: None, now: value}).request == expected.request
    with pytest.raises(TypeError, match=rf"^{name}\(\) got {now} and {former}, which are one"):
        call(name, Consul(), **{former: value, now: value})
    # What is wrong is refused by our name, what is unknown by its own.
    with pytest.raises((TypeError, ValueError), match=rf"^{now} must"):
        call(name, Consul(), **{former: object()})
    with pytest.raises(TypeError, match="'nonsense'"):
        call(name, Consul(), **{former: value}, nonsense=1)


def test_the_names_of_the_forks_are_taken_where_ours_is():
    for name, method in METHODS.items():
        keywords = method.route.keywords
        for former, now in FORMER.items():
            # These have a timeout of their own.
            taken = now in keywords and (name, now) not in {
                ("agent.check.register", "timeout"), ("agent.service.register", "timeout")
            }  # fmt: skip
            assert (former in method.route.former) == taken
            if not taken:
                with pytest.raises(TypeError, match=rf"^{re.escape(name)}\(\) .* '{former}'"):
                    call(name, Consul(), **{former: 1})


def test_an_error_shows_no_token_that_came_with_a_name_of_the_forks():
    for wrong in ({"nonsense": 1}, {"filter": "a"}, {"index": "x"}):
        with pytest.raises((TypeError, ValueError)) as caught:
            call("health.service", Consul(), filter_expr="b", token=TOKEN, **wrong)
        assert caught.value.__context__ is None
        ours = [each for each in caught.traceback if "consul" in Path(each.path).parts[-3:]]
        assert ours
        assert TOKEN not in repr([each.frame.f_locals for each in ours])


@pytest.mark.parametrize("form", [["os:linux", "a"], ("os:linux", b"a"), {"os": "linux", "a": ""}])
def test_forms_of_node_meta(form):
    made = Consul().health.service("web", node_meta=form)
    metas = [value.rstrip(":") for name, value in made.request.params if name == "node-meta"]
    assert metas == ["os:linux", "a"]


def test_a_read_that_may_show_nothing_stale():
    # Consul takes zero for any age.
    assert params(Consul().catalog.nodes(max_stale=0))["max_stale"] == "1ns"


def test_the_table_of_the_documentation_has_every_route(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    module = importlib.import_module("endpoints")
    expected = {
        (f"{route.method} {route.path}", f"client.{route.name}()", route.since, route.removed)
        for route in (method.route for method in METHODS.values())
    }
    rows = module.endpoints()
    assert {(row.route, row.shown, row.since, row.removed) for row in rows} == expected
    assert len(rows) == len(expected)
    for row in rows:
        module_name, kind, method = row.target.rsplit(".", 2)
        assert hasattr(getattr(importlib.import_module(module_name), kind), method)
