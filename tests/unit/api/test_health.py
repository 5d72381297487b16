import pytest

from consul.base import Consul

C = Consul()


def test_service():
    assert C.health.service("s", None, None, True, "a").request.target == (
        "/v1/health/service/s?passing=1&tag=a"
    )
    assert C.health.service("s", passing=False).request.target == "/v1/health/service/s"


def test_states():
    with pytest.raises(ValueError, match="name"):
        C.health.state("good")
