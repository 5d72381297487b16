"""Discovery in a world without a server."""

from __future__ import annotations

import asyncio
import collections

import pytest

import consul


def entry(name, status="passing", **service):
    """An instance as ``health.service`` describes it."""
    checks = [{"Status": "passing"}, {"Status": status}]
    given = {"ID": name, "Address": "", "Port": 80, "Tags": ["v1"], "Meta": {"a": "b"}}
    weights = {"Passing": 4, "Warning": 2}
    return {
        "Node": {"Node": f"node-{name}", "Address": "10.0.0.1"},
        "Service": {**given, "Weights": weights, **service},
        "Checks": checks,
    }


def ids(instances):
    return [each.id for each in instances]


def test_instances(world):
    async def main():
        client = world.client()
        view = client.discover("web")
        for look in (lambda: view.instances, view.pick, lambda: view.age):
            with pytest.raises(consul.NotReady):
                look()
        assert await view.wait(timeout=5) == ()
        assert view.instances == ()
        with pytest.raises(consul.NoInstance, match="no live instance of 'web'"):
            view.pick()
        world.model.set_health("web", entry("a"), entry("b", "critical", Address="::1"))
        (instance,) = await view.wait_for(timeout=5)
        assert instance == (
            *("10.0.0.1", 80, "a", "node-a", ("v1",), {"a": "b"}),
            *(4, "passing"),
        )
        assert view.pick() is view.instances[0]
        assert view.age < 1
        assert view.error is None
        with pytest.raises(consul.Timeout, match="not 2 live instances of 'web' within 1 s"):
            await view.wait_for(2, timeout=1)
        await view.close()
        async with client.discover("web", passing=False) as every:
            found = await every.wait_for(2)
            assert [each.status for each in found] == ["passing", "critical"]

    world.run(main())


def test_urls_and_status():
    from consul.recipes.discovery import instance_of

    six = instance_of(entry("a", "warning", Address="fe80::1"))
    assert six.url("health") == six.url("/health") == "http://[fe80::1]:80/health"
    assert six.url(scheme="https") == "https://[fe80::1]:80"
    assert six.weight == 2
    bare = instance_of(
        {
            "Node": {"Node": "n", "Address": "10.0.0.1"},
            "Service": {"ID": "x", "Address": "web.local", "Port": 0, "Tags": None, "Meta": None},
            "Checks": [],
        }
    )
    assert bare == ("web.local", 0, "x", "n", (), {}, 1, "passing")
    assert bare.url("/") == "http://web.local/"
    assert instance_of(entry("a", "critical")).status == "critical"


def test_policies(world):
    async def main():
        client = world.client()
        world.model.set_health(
            "web", entry("b"), entry("a"), entry("c", Weights={"Passing": 0, "Warning": 0})
        )
        view = client.discover("web", near="_agent")
        await view.wait()
        assert dict(client.http.seen[0].params)["near"] == "_agent"
        picked = collections.Counter(view.pick().id for _ in range(300))
        assert min(picked.values()) > 50
        assert [view.pick("round_robin").id for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]
        assert {view.pick("nearest").id for _ in range(20)} == {"b"}
        assert {view.pick("weighted").id for _ in range(100)} == {"a", "b"}
        with view.using("nearest") as first, view.using("least_used") as second:
            assert first.id == "b"
            assert second.id != "b"
            with view.using("least_used") as third:
                assert {first.id, second.id, third.id} == {"a", "b", "c"}
        with pytest.raises(ValueError, match="policy must be one of random, round_robin"):
            view.pick("best")
        with pytest.raises(ValueError, match="policy 'nearest' needs near"):
            client.discover("web", policy="nearest")
        # No weight at all is no reason for none.
        world.model.set_health("web", entry("c", Weights={"Passing": 0, "Warning": 0}))
        await asyncio.sleep(1)
        assert view.pick("weighted").id == "c"
        await view.close()

    world.run(main())


def failing(view):
    with view.using() as instance:
        raise ConnectionError(instance.id)


def test_who_fails_rests(world):
    async def main():
        client = world.client()
        world.model.set_health("web", entry("a"), entry("b"))
        view = client.discover("web", policy="round_robin", rest="5s")
        await view.wait()
        with pytest.raises(ConnectionError) as raised:
            failing(view)
        failed = str(raised.value)
        assert failed not in {view.pick().id for _ in range(10)}
        await asyncio.sleep(5.1)
        assert failed in {view.pick().id for _ in range(10)}
        # Where all of them rest, any is better than none.
        for instance in view.instances:
            view.report_failure(instance)
        assert {view.pick().id for _ in range(10)} == {"a", "b"}
        # Nobody is used any more.
        assert {view.pick("least_used").id for _ in range(50)} == {"a", "b"}
        await view.close()

    world.run(main())


def test_the_last_good_list_is_kept(world):
    async def main():
        client = world.client()
        world.model.set_health("web", entry("a"))
        heard = []
        view = client.discover("web")
        view.on_change(heard.append)
        await view.wait_for()
        client.http.reachable = False
        world.model.set_health("web", entry("b"))
        world.model.lose_leader()
        await asyncio.sleep(60)
        assert ids(view.instances) == ["a"]
        assert view.age > 59
        assert isinstance(view.error, consul.ConnectionFailed)
        world.model.find_leader()
        client.http.reachable = True
        await asyncio.sleep(1)
        assert ids(view.instances) == ["b"]
        assert view.error is None
        assert [ids(each) for each in heard] == [["a"], ["b"]]
        await view.close()
        assert client.http._tasks == set()
        # They stay.
        assert ids(view.instances) == ["b"]

    world.run(main())


def test_datacenters_in_order(world):
    async def main():
        client = world.client()
        model = world.model
        view = client.discover("web", dc=["dc1", "dc2"])
        assert await view.wait() == ()
        model.set_health("web", entry("far"), dc="dc2")
        assert ids(await view.wait_for(timeout=1)) == ["far"]
        model.set_health("web", entry("near"), dc="dc1")
        await asyncio.sleep(1)
        assert ids(view.instances) == ["near"]
        model.set_health("web", dc="dc1")
        await asyncio.sleep(1)
        assert view.pick().id == "far"
        await view.close()
        with pytest.raises(ValueError, match="dc must name a datacenter"):
            client.discover("web", dc=[])
        for wrong, error, text in [
            ({"name": ""}, ValueError, "service must not be empty"),
            ({"pasing": True}, TypeError, "pasing"),
            ({"index": 3}, TypeError, "index is the watch's own business"),
            ({"rest": "x"}, ValueError, "rest must be a duration"),
            ({"dc": 3}, TypeError, "dc must be"),
        ]:
            with pytest.raises(error, match=text):
                client.discover(**{"name": "web", **wrong})

    world.run(main())
