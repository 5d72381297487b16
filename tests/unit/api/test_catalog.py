import json

import pytest

from consul.base import Consul
from consul.core.request import Response

C = Consul()


def body(made):
    return json.loads(made.request.body)


def test_register():
    client = Consul(dc="dc2")
    made = client.catalog.register("n", "a", node_meta={"k": "v"})
    assert body(made) == {
        "Node": "n", "Address": "a", "Datacenter": "dc2", "NodeMeta": {"k": "v"}
    }  # fmt: skip
    assert made.repeatable
    made = client.catalog.register(
        "n", "a", {"Service": "s"}, {"Name": "c"}, "dc3", None, {"k": "v"}, False, {},
        node_id="u", checks=[{"Name": "d"}], locality={"Region": "r"}, extra={"New": 1},
    )  # fmt: skip
    assert body(made) == {
        "Node": "n", "Address": "a", "ID": "u", "Datacenter": "dc3", "TaggedAddresses": {},
        "NodeMeta": {"k": "v"}, "Service": {"Service": "s"}, "Check": {"Name": "c"},
        "Checks": [{"Name": "d"}], "Locality": {"Region": "r"}, "SkipNodeUpdate": False, "New": 1,
    }  # fmt: skip


def test_a_node_without_an_address():
    made = C.catalog.register("n", None, {"Service": "s"}, skip_node_update=True)
    assert body(made) == {"Node": "n", "Service": {"Service": "s"}, "SkipNodeUpdate": True}
    for skip in (None, False, "false"):
        with pytest.raises(ValueError, match=r"^address must be given, unless skip_node_update"):
            C.catalog.register("n", None, skip_node_update=skip)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"extra": {"NodeMeta": {}}, "node_meta": {"a": "b"}}, "node_meta and extra"),
        ({"extra": {"id": "a"}, "node_id": "b"}, "node_id and extra"),
        ({"extra": {"Datacenter": "dc2"}, "dc": "dc3"}, "dc and extra"),
        ({"extra": {"Check": 1}}, r"extra\['Check'\] must be a dict"),
        ({"checks": [{"Status": 1}]}, r"checks\[0\]\['Status'\] must be str"),
        ({"locality": {"Region": 1}}, r"locality\['Region'\] must be str"),
    ],
)
def test_what_cannot_be_registered(given, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        C.catalog.register("n", "a", **given)


def test_deregister():
    made = C.catalog.deregister("n", check_id="c")
    assert body(made) == {"Node": "n", "CheckID": "c"}
    assert made.repeatable
    assert body(C.catalog.deregister("n", "s", dc="dc2")) == {
        "Node": "n", "ServiceID": "s", "Datacenter": "dc2"
    }  # fmt: skip
    with pytest.raises(ValueError, match="service_id and check_id"):
        C.catalog.deregister("n", "s", "c")
    with pytest.raises(ValueError, match="service_id"):
        C.catalog.deregister("n", "")


def test_reads():
    assert C.catalog.service("s", tag=["a", "b"]).request.target == (
        "/v1/catalog/service/s?tag=a&tag=b"
    )
    assert C.catalog.connect(
        "s", 7, "5s", "a", "stale", "dc2", "n", None, ["x:y"], "f"
    ).request.target == (
        "/v1/catalog/connect/s?tag=a&node-meta=x%3Ay&filter=f&index=7&wait=5s&near=n&stale=1&dc=dc2"
    )
    assert C.catalog.gateway_services("g", "dc2").request.target == (
        "/v1/catalog/gateway-services/g?dc=dc2"
    )
    assert C.catalog.node("n").read(Response(200, {"x-consul-index": "5"}, b"null")) == (5, None)


def test_arguments_that_have_a_position():
    """As in python-consul and, after that, in py-consul."""
    meta = {"a": "b"}
    for by_position, by_keyword in (
        (
            C.catalog.nodes(7, "5s", "stale", "dc", "near", "t", meta, "f"),
            C.catalog.nodes(
                index=7, wait="5s", consistency="stale", dc="dc", near="near", token="t",
                node_meta=meta, filter="f",
            ),
        ),
        (
            C.catalog.services(7, "5s", "stale", "dc", "t", meta, "f"),
            C.catalog.services(
                index=7, wait="5s", consistency="stale", dc="dc", token="t", node_meta=meta,
                filter="f",
            ),
        ),
        (
            C.catalog.node("n", 7, "5s", "stale", "dc", "t", "f"),
            C.catalog.node(
                "n", index=7, wait="5s", consistency="stale", dc="dc", token="t", filter="f"
            ),
        ),
        (
            C.catalog.service("s", 7, "5s", "a", "stale", "dc", "near", "t", meta, "f"),
            C.catalog.service(
                "s", index=7, wait="5s", tag="a", consistency="stale", dc="dc", near="near",
                token="t", node_meta=meta, filter="f",
            ),
        ),
        (
            C.health.checks("s", 7, "5s", "dc", "near", "t", meta, "f"),
            C.health.checks(
                "s", index=7, wait="5s", dc="dc", near="near", token="t", node_meta=meta, filter="f"
            ),
        ),
    ):  # fmt: skip
        assert by_position.request == by_keyword.request
        assert type(by_position) is type(by_keyword)
