import json

import pytest

from consul.base import Consul

C = Consul()


def test_legacy_acl_ids_are_secrets():
    for made in (C.acl.info("a b-id"), C.acl.clone("a b-id"), C.acl.destroy("a b-id")):
        assert "b-id" not in repr(made)
        assert "b-id" not in made.request.shown
    for made in (C.acl.create(acl_id="a b-id"), C.acl.update("a b-id")):
        assert "a b-id" in made.request.secrets


def test_bodies():
    assert json.loads(C.acl.create("n", rules="", acl_id="x").request.body) == {
        "ID": "x", "Name": "n", "Type": "client", "Rules": ""
    }  # fmt: skip
    assert C.acl.update("x", "n", rules="r").request.body == (
        b'{"ID": "x", "Name": "n", "Rules": "r"}'
    )
    with pytest.raises(ValueError, match="type"):
        C.acl.create(type="root")
    with pytest.raises(ValueError, match="acl_id"):
        C.acl.update("")


def test_nothing_is_repeated():
    # They make something new each time, or answer otherwise the second time.
    for made in (C.acl.create(), C.acl.update("x"), C.acl.clone("x"), C.acl.destroy("x")):
        assert not made.repeatable
