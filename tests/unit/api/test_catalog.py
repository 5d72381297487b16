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
        "n", "a", {"Service": "s"}, {"Name": "c"}, "dc3", node_id="u", tagged_addresses={},
        skip_node_update=False,
    )  # fmt: skip
    assert made.request.body == (
        b'{"Node": "n", "Address": "a", "ID": "u", "Datacenter": "dc3", "TaggedAddresses": {}, '
        b'"Service": {"Service": "s"}, "Check": {"Name": "c"}, "SkipNodeUpdate": false}'
    )


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
    assert C.catalog.node("n").read(Response(200, {"x-consul-index": "5"}, b"null")) == (5, None)
