"""ACLs: the first token, logins, and the legacy tokens that Consul 1.11 removed."""

from __future__ import annotations

import time
import traceback
import uuid

import pytest

from consul import (
    ACLDisabled,
    ACLPermissionDenied,
    BadRequest,
    ConsulException,
    NotFound,
    ServerError,
)
from tests.issuer import Issuer

RULES = 'key "" { policy = "read" } key "private/" { policy = "deny" }'
GLOBAL = "00000000-0000-0000-0000-000000000001"
NEVER = "0001-01-01T00:00:00Z"


def shown(error):
    return "".join(traceback.format_exception(error)) + repr(error)


# The first token


def test_bootstrap(make_client, fresh_acl_agent):
    consul = make_client(port=fresh_acl_agent.port)
    secret = str(uuid.uuid4())
    if fresh_acl_agent.version >= (1, 15):
        bad = f"no uuid: {secret}"
        with pytest.raises(ServerError) as caught:
            consul.acl.bootstrap(bad)
        assert secret not in shown(caught.value)
    token = consul.acl.bootstrap(secret)
    assert [policy["ID"] for policy in token["Policies"]] == [GLOBAL]
    # Older servers ignore the secret.
    assert (token["SecretID"] == secret) == (fresh_acl_agent.version >= (1, 15))
    assert consul.acl.self(token["SecretID"]).data["AccessorID"] == token["AccessorID"]
    with pytest.raises(ACLPermissionDenied, match="bootstrap no longer allowed"):
        consul.acl.bootstrap()


def test_bootstrap_where_there_is_a_token(acl_client):
    with pytest.raises(ACLPermissionDenied, match="bootstrap no longer allowed"):
        acl_client(token="").acl.bootstrap()


def test_replication(acl_client):
    # It needs no permission.
    for client in (acl_client(), acl_client(token="")):
        status = client.acl.replication()
        assert (status["Enabled"], status["Running"]) == (False, False)
        assert status["LastSuccess"] == NEVER
    with pytest.raises(ServerError, match="No path to datacenter"):
        acl_client().acl.replication(dc="nowhere")


# Logins


@pytest.fixture(scope="module")
def issuer():
    return Issuer()


@pytest.fixture
def method(acl_client, issuer, prefix):
    """Name of an auth method that believes the issuer."""
    master = acl_client()
    master.acl.auth_method.create(prefix, "jwt", config=issuer.config, max_token_ttl="1h")
    yield prefix
    # Its rules and tokens go with it.
    assert master.acl.auth_method.delete(prefix) is True


def test_login_and_logout(acl_client, issuer, method):
    master, nobody = acl_client(), acl_client(token="")
    rule = master.acl.binding_rule.create(
        method, "service", "${value.name}", selector='value.name != "stranger"'
    )
    token = nobody.acl.login(method, issuer.jwt("web"), {"pod": "web-1"})
    assert token["AuthMethod"] == method
    assert token["ServiceIdentities"] == [{"ServiceName": "web"}]
    assert '"pod":"web-1"' in token["Description"]
    assert token["ExpirationTime"] > token["CreateTime"]
    listed = master.acl.token.list(authmethod=method).data
    assert [one["AccessorID"] for one in listed] == [token["AccessorID"]]

    client = acl_client(token=token["SecretID"])
    assert client.acl.self().data["AccessorID"] == token["AccessorID"]
    assert client.agent.service.register("web", f"web-{method}") is True
    assert client.agent.service.deregister(f"web-{method}") is True
    with pytest.raises(ACLPermissionDenied):
        client.agent.service.register("other")

    assert client.acl.logout() is True
    for call in (client.acl.self, client.acl.logout):
        with pytest.raises(ACLPermissionDenied):
            call()
    assert master.acl.binding_rule.delete(rule["ID"]) is True


def test_logins_that_are_refused(acl_client, issuer, method):
    nobody = acl_client(token="")
    jwt = issuer.jwt("stranger")
    for kind, name, bearer in (
        # No rule matches.
        (ACLPermissionDenied, method, jwt),
        (ACLPermissionDenied, f"{method}-unknown", jwt),
        (ServerError, method, Issuer().jwt("web")),
        (ServerError, method, issuer.jwt("web", age=1000)),
        (ServerError, method, f"no jwt: {method}"),
    ):
        with pytest.raises(kind) as caught:
            nobody.acl.login(name, bearer)
        assert type(caught.value) is kind
        assert bearer not in shown(caught.value)


def test_logouts_that_are_refused(acl_client, acl_agent):
    with pytest.raises(ACLPermissionDenied):
        # No login has made it.
        acl_client().acl.logout()
    with pytest.raises(ACLPermissionDenied):
        acl_client(token=str(uuid.uuid4())).acl.logout()
    with pytest.raises(ACLPermissionDenied if acl_agent.version < (1, 15) else ACLDisabled):
        acl_client(token="").acl.logout()


def test_openid_connect_needs_enterprise(acl_client):
    acl = acl_client().acl
    for call in (
        lambda: acl.oidc_auth_url("m", "http://localhost/back", client_nonce="nonce"),
        lambda: acl.oidc_callback("m", "state", "code"),
    ):
        with pytest.raises(NotFound):
            call()


# Legacy tokens


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
            lambda: master.acl.legacy_tokens.list(),
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
    assert token in [one["ID"] for one in master.acl.legacy_tokens.list()]

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
    assert secret not in shown(caught.value)
    assert "/v1/acl/clone/<hidden>" in str(caught.value)


def test_legacy_rules_are_translated(acl_client, acl_agent, prefix):
    master = acl_client()
    if acl_agent.version >= (1, 11):
        for call in (
            lambda: master.acl.rules_translate(RULES),
            lambda: master.acl.rules_translate_token(str(uuid.uuid4())),
        ):
            with pytest.raises(NotFound):
                call()
        return

    rules = master.acl.rules_translate('agent "" { policy = "read" }')
    assert rules.split() == ["agent_prefix", '""', "{", "policy", "=", '"read"', "}"]
    with pytest.raises(BadRequest, match="Failed to parse"):
        master.acl.rules_translate("nonsense {")
    with pytest.raises(ACLPermissionDenied):
        acl_client(token="").acl.rules_translate(RULES)

    legacy = master.acl.create(name=prefix, rules='key "a" { policy = "read" }')
    end = time.monotonic() + 30
    while True:
        # It gets an accessor id after a while.
        (one,) = (t for t in master.acl.token.list().data if t["Description"] == prefix)
        if one["AccessorID"]:
            break
        assert time.monotonic() < end
        time.sleep(0.1)
    assert one["Legacy"] is True
    assert 'key_prefix "a"' in master.acl.rules_translate_token(one["AccessorID"])
    assert master.acl.token.get(one["AccessorID"]).data["Rules"].startswith("key ")
    with pytest.raises(ACLPermissionDenied):
        master.acl.rules_translate_token(str(uuid.uuid4()))
    with pytest.raises(ServerError, match="does not have any rules"):
        master.acl.rules_translate_token(master.acl.self().data["AccessorID"])
    assert master.acl.destroy(legacy) is True
