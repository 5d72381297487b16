import pytest

from consul.base import Consul

C = Consul()


def test_service():
    assert C.health.service("s", None, None, True, "a").request.target == (
        "/v1/health/service/s?passing=1&tag=a"
    )
    assert C.health.service("s", passing=False).request.target == "/v1/health/service/s"


def test_connect_and_ingress():
    meta = {"a": "b"}
    for name in ("service", "connect", "ingress"):
        method = getattr(C.health, name)
        assert method(
            "s", 7, "5s", True, ["a", "b"], "dc2", "n", None, meta, "f"
        ).request.target == (
            f"/v1/health/{name}/s?passing=1&tag=a&tag=b&node-meta=a%3Ab&filter=f&index=7&wait=5s"
            "&near=n&dc=dc2"
        )
    assert C.health.connect("s", sameness_group="g", peer="p", merge_central_config=True)
    # It knows no peers.
    with pytest.raises(TypeError, match="'peer'"):
        C.health.ingress("s", peer="p")


def test_states():
    with pytest.raises(ValueError, match="name"):
        C.health.state("good")
