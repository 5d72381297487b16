import json

import pytest

from consul.base import Consul
from consul.core.request import Response
from consul.exceptions import NotFound

C = Consul()


def body(made):
    return json.loads(made.request.body)


def test_create():
    assert C.session.create().request.body == b""
    made = C.session.create("n", "m", [], 0.001, "delete", 86400.0)
    assert body(made) == {
        "name": "n",
        "node": "m",
        "checks": [],
        "lockdelay": "0.001s",
        "behavior": "delete",
        "ttl": "86400s",
    }
    # Patroni adds to it.
    assert list(body(made)) == ["name", "node", "checks", "lockdelay", "behavior", "ttl"]
    assert not made.repeatable
    with pytest.raises(ValueError, match="behavior"):
        C.session.create(behavior="keep")


@pytest.mark.parametrize("delay", [15, 15.0, "15s", None])
def test_the_default_lock_delay_is_not_sent(delay):
    assert body(C.session.create("n", lock_delay=delay)) == {"name": "n"}


def test_checks_must_be_a_list():
    with pytest.raises(TypeError, match="checks"):
        C.session.create(checks="serfHealth")
    assert body(C.session.create(checks=("a", "b"))) == {"checks": ["a", "b"]}


def test_renew():
    assert C.session.renew("s").repeatable
    assert C.session.renew("s").read(Response(200, {}, b'[{"ID": "s"}]')) == {"ID": "s"}
    with pytest.raises(NotFound):
        C.session.renew("s").read(Response(404, {}, b"gone"))


def test_destroy_and_info():
    assert C.session.destroy("s").repeatable
    assert C.session.info("s").read(Response(200, {}, b"[]")).data is None
