"""Keywords that an old server would ignore: it is asked for its version first."""

from __future__ import annotations

import pytest

from consul import Unsupported

#: From here on the server filters.
FILTERS = {"catalog.services": (1, 14, 0), "agent.members": (1, 16, 1)}


def call(consul, name, **options):
    method = consul
    for part in name.split("."):
        method = getattr(method, part)
    return method(**options)


@pytest.fixture
def counted(make_client, agent):
    """A client, and the paths that it has asked for."""
    paths = []
    client = make_client(port=agent.port, on_request=lambda exchange: paths.append(exchange.path))
    return client, paths


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_is_not_sent_where_it_would_be_ignored(counted, agent, name):
    consul, paths = counted
    nothing = 'ServiceName == "no such service"' if "services" in name else 'Name == "nobody"'
    if agent.version < FILTERS[name]:
        for _ in range(2):
            with pytest.raises(Unsupported, match=r"Consul 1\.8\.7 ignores filter") as caught:
                call(consul, name, filter=nothing)
        assert caught.value.path.endswith(name.split(".")[1])
        # Nothing else was sent.  Before a refusal the version is asked again.
        assert paths == ["/v1/agent/self"] * 2
    else:
        for _ in range(2):
            found = call(consul, name, filter=nothing)
            assert not getattr(found, "data", found)
        assert [path for path in paths if path.endswith("self")] == ["/v1/agent/self"]
        assert len(paths) == 3


@pytest.mark.parametrize("name", FILTERS)
def test_without_a_filter_nobody_is_asked(counted, name):
    consul, paths = counted
    assert call(consul, name)
    assert call(consul, name, filter=None)
    assert "/v1/agent/self" not in paths


def test_where_the_version_cannot_be_read_the_filter_is_sent(make_client, acl_agent):
    paths = []
    consul = make_client(
        port=acl_agent.port, on_request=lambda exchange: paths.append(exchange.path)
    )
    for _ in range(2):
        assert not consul.catalog.services(filter='ServiceName == "no such service"').data
    assert paths == ["/v1/agent/self", "/v1/catalog/services", "/v1/catalog/services"]
