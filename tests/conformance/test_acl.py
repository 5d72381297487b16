"""Legacy ACLs (removed in 1.11): they work on an old server and fail clearly on a new one."""

from __future__ import annotations

import traceback
import uuid

import pytest

from consul import ACLDisabled, ACLPermissionDenied, ConsulException, NotFound

RULES = 'key "" { policy = "read" } key "private/" { policy = "deny" }'


def test_legacy_tokens(acl_client, acl_agent):
    master = acl_client()
    if acl_agent.version >= (1, 11):
        for call in (
            lambda: master.acl.list(),
            lambda: master.acl.info("x"),
            lambda: master.acl.create(),
            lambda: master.acl.update("x"),
            lambda: master.acl.clone("x"),
            lambda: master.acl.destroy("x"),
        ):
            with pytest.raises(NotFound):
                call()
        return

    token = master.acl.create(name="reader", rules=RULES)
    info = master.acl.info(token)
    assert info["Name"] == "reader"
    assert info["Type"] == "client"
    assert info["Rules"] == RULES
    assert token in [one["ID"] for one in master.acl.list()]

    client = acl_client(token=token)
    assert client.kv.get("foo").data is None
    with pytest.raises(ACLPermissionDenied):
        client.kv.put("foo", "bar")
    with pytest.raises(ACLPermissionDenied):
        client.acl.list()

    assert master.acl.update(token, name="other") == token
    assert master.acl.info(token)["Name"] == "other"
    copy = master.acl.clone(token)
    assert copy != token
    chosen = str(uuid.uuid4())
    assert master.acl.create(acl_id=chosen) == chosen
    for one in (token, copy, chosen):
        assert master.acl.destroy(one) is True
    assert master.acl.info(token) is None


def test_disabled(consul, agent):
    for call in (consul.acl.list, lambda: consul.acl.info("x")):
        with pytest.raises(ACLDisabled if agent.version < (1, 11) else NotFound):
            call()


def test_a_legacy_id_is_a_secret(acl_client, acl_agent):
    secret = str(uuid.uuid4())
    nobody = acl_client(token="")
    with pytest.raises(ConsulException) as caught:
        nobody.acl.clone(secret)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert secret not in shown
    assert "/v1/acl/clone/<hidden>" in str(caught.value)
