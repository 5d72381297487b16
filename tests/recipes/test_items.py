"""Items in the form of each flavour."""

from __future__ import annotations

import pytest

from consul.recipes.items import End, Items


class Leaders(Items):
    """The leader, asked for three times."""

    left = 3
    closed = 0

    async def _next(self):
        if not self.left:
            raise End
        self.left -= 1
        return await self._client.describe.status.leader()

    async def _close(self):
        self.closed += 1


@pytest.fixture
def leaders(consul):
    return Leaders(consul._target)


def awaited(flavour):
    return flavour.name not in ("std", "threads", "gevent")


async def all_awaited(items):
    async with items as same:
        assert same is items
        return [each async for each in items]


def deferred(items):
    from twisted.internet.defer import ensureDeferred

    return ensureDeferred(all_awaited(items))


def test_they_are_iterated_over_in_the_form_of_the_flavour(flavour, leaders, agent):
    if flavour.name == "twisted":
        found = flavour.call(deferred, leaders)
    elif awaited(flavour):
        found = flavour.call(all_awaited, leaders)
    else:
        with leaders as same:
            assert same is leaders
            found = list(leaders)
    assert found == [f"127.0.0.1:{agent.server_port}"] * 3
    assert leaders.closed == 1


def test_one_after_another_everywhere(flavour, leaders):
    found = [flavour.call(leaders.next) for _ in range(4)]
    assert found[3] is None
    assert all(found[:3])
    flavour.call(leaders.close)
    assert leaders.closed == 1


def test_the_other_form_is_a_type_error(flavour, leaders):
    if awaited(flavour):
        with pytest.raises(TypeError, match="use async for"):
            iter(leaders)
        with pytest.raises(TypeError, match="use async with"), leaders:
            pass
    else:
        with pytest.raises(TypeError, match="are not awaited: use for"):
            leaders.__aiter__()
        with pytest.raises(TypeError, match="are not awaited: use with"):
            leaders.__aenter__().send(None)


def test_a_client_that_is_closed_in_the_block(flavour, leaders):
    client = leaders._client

    async def awaited_block():
        async with leaders:
            await client.close()

    if flavour.name == "twisted":
        from twisted.internet.defer import ensureDeferred

        flavour.call(lambda: ensureDeferred(awaited_block()))
    elif awaited(flavour):
        flavour.call(awaited_block)
    else:
        with leaders:
            client.close()
