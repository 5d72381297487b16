import json
from datetime import timedelta

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


def test_checks_of_nodes_and_services():
    made = C.session.create(node_checks=[], service_checks=[{"ID": "a", "Namespace": b"n"}])
    assert body(made) == {"NodeChecks": [], "ServiceChecks": [{"ID": "a", "Namespace": "n"}]}
    with pytest.raises(ValueError, match=r"^checks and node_checks exclude each other"):
        C.session.create(checks=[], node_checks=["a"])
    with pytest.raises(TypeError, match=r"^service_checks\[0\] must be a mapping"):
        C.session.create(service_checks=["service:web"])


def test_further_fields():
    assert body(C.session.create(extra={"New": 1, "LockDelay": "5s"})) == {
        "New": 1, "LockDelay": "5s"
    }  # fmt: skip
    for given in (
        {"name": "a", "extra": {"Name": "b"}},
        {"lock_delay": 1, "extra": {"LockDelay": "5s"}},
    ):
        with pytest.raises(ValueError, match=r"are two values for one thing"):
            C.session.create(**given)


def test_the_token_has_the_last_position():
    for made in (
        C.session.create("n", None, None, 15, "release", None, "dc2", "t"),
        C.session.destroy("s", "dc2", "t"),
        C.session.list(None, None, None, "dc2", "t"),
        C.session.node("n", None, None, None, "dc2", "t"),
        C.session.info("s", None, None, None, "dc2", "t"),
        C.session.renew("s", "dc2", "t"),
    ):
        assert ("dc", "dc2") in made.request.params
        assert ("X-Consul-Token", "t") in made.request.headers


@pytest.mark.parametrize("ttl", [0, 0.0, "0", "0s", timedelta(0)])
def test_a_ttl_of_zero_would_be_for_ever(ttl):
    with pytest.raises(ValueError, match=r"^ttl must be above 0"):
        C.session.create(ttl=ttl)


def test_what_a_session_answers_can_be_given_or_is_refused():
    # Without a TTL it answers "".
    assert body(C.session.create("n", ttl="")) == {"name": "n"}
    for delay in (5_000_000_000, 1_000_000, 5e9):
        with pytest.raises(ValueError, match=rf"^lock_delay is in seconds; .* '{delay}ns'"):
            C.session.create(lock_delay=delay)
    assert body(C.session.create(lock_delay="5000000000ns")) == {"lockdelay": "5000000000ns"}
    assert body(C.session.create(lock_delay=0)) == {"lockdelay": "0s"}


def test_renew():
    assert C.session.renew("s").repeatable
    assert C.session.renew("s").read(Response(200, {}, b'[{"ID": "s"}]')) == {"ID": "s"}
    with pytest.raises(NotFound):
        C.session.renew("s").read(Response(404, {}, b"gone"))


def test_destroy_and_info():
    assert C.session.destroy("s").repeatable
    assert C.session.info("s").read(Response(200, {}, b"[]")).data is None
