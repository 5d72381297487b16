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
        extra={"Name": "other", "Kind": "connect-proxy"},
    )
    assert made.request.target == "/v1/agent/service/register?replace-existing-checks=1"
    assert made.request.body == (
        b'{"Name": "other", "ID": "web-1", "Address": "10.0.0.1", "Port": 80, "Tags": ["a"], '
        b'"Meta": {"k": "v"}, "Weights": {"Passing": 1}, '
        b'"TaggedAddresses": {"lan": {"Address": "a", "Port": 1}}, "EnableTagOverride": true, '
        b'"Check": {"ttl": "10s"}, "Checks": [{"http": "u"}], "Kind": "connect-proxy"}'
    )


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
