import json

import pytest

from consul.base import Consul

C = Consul()


def body(made):
    return json.loads(made.request.body)


def test_targets():
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


def test_what_is_repeated():
    assert C.agent.maintenance(True).repeatable
    assert C.agent.join("a").repeatable
    assert C.agent.force_leave("n").repeatable
    assert C.agent.service.register("web").repeatable
    assert C.agent.service.maintenance("web", True).repeatable
    assert C.agent.check.register("c", {"ttl": "1s"}).repeatable
    for update in (C.agent.check.ttl_pass, C.agent.check.ttl_fail, C.agent.check.ttl_warn):
        assert update("c").repeatable
    # 404 for what is gone.
    assert not C.agent.service.deregister("web").repeatable
    assert not C.agent.check.deregister("c").repeatable


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


def test_a_service_with_everything():
    made = C.agent.service.register(
        "web",
        "web-1",
        "10.0.0.1",
        80,
        ["a"],
        {"ttl": "10s"},
        enable_tag_override=True,
        meta={"k": "v"},
        weights={"Passing": 1},
        tagged_addresses={"lan": {"Address": "a", "Port": 1}},
        extra_checks=[{"http": "u"}],
        replace_existing_checks=True,
        extra={"Kind": "connect-proxy"},
    )
    assert made.request.target == "/v1/agent/service/register?replace-existing-checks=true"
    assert made.request.body == (
        b'{"Name": "web", "ID": "web-1", "Address": "10.0.0.1", "Port": 80, "Tags": ["a"], '
        b'"Meta": {"k": "v"}, "Weights": {"Passing": 1}, '
        b'"TaggedAddresses": {"lan": {"Address": "a", "Port": 1}}, "EnableTagOverride": true, '
        b'"Check": {"ttl": "10s"}, "Checks": [{"http": "u"}], "Kind": "connect-proxy"}'
    )


@pytest.mark.parametrize(
    ("arguments", "extra", "name"),
    [
        ({}, {"name": "b"}, "name"),
        ({}, {"Name": "b"}, "name"),
        ({"service_id": "a"}, {"ID": "b"}, "service_id"),
        ({"port": 1}, {"Port": 2}, "port"),
        ({"check": {"ttl": "1s"}}, {"checks": [{"ttl": "2s"}]}, "check"),
        ({"check": {"ttl": "1s"}}, {"Check": {"ttl": "2s"}}, "check"),
        ({"extra_checks": []}, {"check": {"ttl": "2s"}}, "extra_checks"),
        ({"extra_checks": []}, {"Checks": [{"ttl": "2s"}]}, "extra_checks"),
        ({"tagged_addresses": {}}, {"taggedaddresses": {"a": {}}}, "tagged_addresses"),
        ({"enable_tag_override": False}, {"EnableTagOverride": True}, "enable_tag_override"),
    ],
)
def test_two_values_for_one_field_of_a_service(arguments, extra, name):
    (other,) = extra
    with pytest.raises(ValueError, match=rf"^{name} and extra\['{other}'\] are two values"):
        C.agent.service.register("web", **arguments, extra=extra)


def test_the_same_value_twice_is_one_value():
    made = C.agent.service.register("web", port="80", extra={"name": "web", "Port": 80})
    assert body(made) == {"name": "web", "Port": 80, "EnableTagOverride": False}


def test_a_default_gives_way():
    assert body(C.agent.service.register("web", extra={"enable_tag_override": True})) == {
        "Name": "web",
        "enable_tag_override": True,
    }


@pytest.mark.parametrize(
    ("arguments", "check", "name"),
    [
        ({}, {"Name": "inner"}, "name"),
        ({}, {"name": "inner"}, "name"),
        ({"check_id": "a"}, {"ID": "b"}, "check_id"),
        ({"check_id": "a"}, {"CheckID": "b"}, "check_id"),
        ({"check_id": "a"}, {"check_id": "b"}, "check_id"),
        ({"notes": "a"}, {"Notes": "b"}, "notes"),
        ({"service_id": "a"}, {"ServiceID": "b"}, "service_id"),
    ],
)
def test_two_values_for_one_field_of_a_check(arguments, check, name):
    with pytest.raises(ValueError, match=rf"^{name} and check\['\w+'\] are two values"):
        C.agent.check.register("outer", {**check, "ttl": "1s"}, **arguments)


UNPRINTED = ["a\nb", "a\u2028b", "a\xa0b", "a\u200bb", "..", "a/../b"]


@pytest.mark.parametrize("bad", UNPRINTED)
def test_what_could_never_be_removed_is_not_registered(bad):
    check = {"ttl": "10s"}
    for name, register in (
        ("name", lambda: C.agent.service.register(bad)),
        ("service_id", lambda: C.agent.service.register("web", bad)),
        (r"check\['CheckID'\]", lambda: C.agent.service.register("web", check={"CheckID": bad})),
        (r"extra\['ID'\]", lambda: C.agent.service.register("web", extra={"ID": bad})),
        ("name", lambda: C.agent.check.register(bad, check)),
        ("check_id", lambda: C.agent.check.register("c", check, bad)),
        (r"check\['ID'\]", lambda: C.agent.check.register("c", {**check, "ID": bad})),
        ("node", lambda: C.catalog.register(bad, "a")),
        (r"service\['ID'\]", lambda: C.catalog.register("n", "a", {"ID": bad, "Service": "s"})),
        (r"service\['Service'\]", lambda: C.catalog.register("n", "a", {"Service": bad})),
        (r"check\['CheckID'\]", lambda: C.catalog.register("n", "a", None, {"CheckID": bad})),
        ("name", lambda: C.query.create("web", bad)),
        ("name", lambda: C.query.update("id", "web", bad)),
    ):
        with pytest.raises(ValueError, match=rf"^{name} (has|must not have) "):
            register()
    # The name of a check with an id of its own is for people.
    assert body(C.agent.check.register(bad, check, "c"))["Name"] == bad
    # This goes into the body.
    assert body(C.catalog.deregister(bad, bad))["ServiceID"] == bad


def test_ids_with_slashes():
    made = C.agent.service.deregister("/pod/web")
    assert made.request.path == "/v1/agent/service/deregister/%2Fpod%2Fweb"
    assert body(C.agent.service.register("web", "/pod/web"))["ID"] == "/pod/web"


def test_old_check_arguments_are_deprecated():
    with pytest.warns(DeprecationWarning, match="ttl") as caught:
        made = C.agent.service.register("web", ttl="10s", weights={"Passing": 1})
    assert caught[0].filename == __file__
    assert body(made)["Check"] == {"ttl": "10s"}
    with pytest.warns(DeprecationWarning, match="script") as caught:
        assert body(C.agent.check.register("c", script="x", interval=1))["args"][-1] == "x"
    assert caught[0].filename == __file__
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


def test_a_check_or_a_service_may_have_a_class_of_its_own():
    class Ours(Consul.Agent.Service):
        def register(self, name):
            return name

    class Agent(Consul.Agent):
        Service = Ours

    class Client(Consul):
        pass

    Client.Agent = Agent

    client = Client()
    assert client.agent.service.register("web") == "web"
    assert client.agent.service.agent is client
    assert client.agent.service is client.agent.service
