"""Tokens, policies, roles, auth methods, binding rules and templated policies."""

from __future__ import annotations

import base64
import contextlib
import json
import time
import uuid

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from consul import (
    ACLDisabled,
    ACLPermissionDenied,
    BadRequest,
    ConsulException,
    NotFound,
    ServerError,
    Unsupported,
)
from tests.agent import Agent
from tests.conformance.test_agent import until
from tests.flavours import FLAVOURS

RULES = 'key_prefix "" { policy = "read" }'
NOBODY = "00000000-0000-0000-0000-000000000009"
#: From here on a missing object is a 404 to a deletion, and to the read of a policy.
TOLD = (1, 15)
one_flavour = pytest.mark.parametrize("flavour", [next(iter(FLAVOURS))], indirect=True)


@pytest.fixture
def acl(acl_consul, prefix):
    """The noun of a client that may do everything; what it made is deleted in the end."""
    yield acl_consul.acl
    for noun, name in (
        (acl_consul.acl.policy, "ID"),
        (acl_consul.acl.role, "ID"),
        (acl_consul.acl.auth_method, "Name"),
    ):
        for entry in noun.list().data:
            if entry["Name"].startswith(prefix):
                noun.delete(entry[name])
    for entry in acl_consul.acl.token.list().data:
        if entry["Description"].startswith(prefix):
            acl_consul.acl.token.delete(entry["AccessorID"])


def deleted(version, delete, name):
    """What the deletion of a missing object comes to."""
    if version < TOLD:
        assert delete(name) is True
    else:
        with pytest.raises(NotFound):
            delete(name)


def test_a_policy(acl, acl_agent, prefix):
    made = acl.policy.create(prefix, description="d", rules=RULES, datacenters=["dc1"])
    assert (made["Name"], made["Rules"], made["Datacenters"]) == (prefix, RULES, ["dc1"])
    answer = acl.policy.get(made["ID"])
    assert answer.data == made
    assert answer.index > 0
    assert acl.policy.read(made["ID"]).data == acl.policy.get_by_name(prefix).data == made
    assert made["ID"] in [entry["ID"] for entry in acl.policies.list().data]
    changed = acl.policy.update(made["ID"], f"{prefix}-2", rules="")
    assert (changed["Name"], changed["Rules"], changed["Description"]) == (f"{prefix}-2", "", "")
    with pytest.raises(ServerError):
        acl.policy.create(f"{prefix}-2")
    with pytest.raises(ServerError):
        acl.policy.create(f"{prefix}-3", rules="key {")
    with pytest.raises(ServerError):
        acl.policy.update(NOBODY, prefix)
    assert acl.policy.delete(made["ID"]) is True
    for read in (lambda: acl.policy.get(made["ID"]), lambda: acl.policy.get_by_name(prefix)):
        with pytest.raises(NotFound if acl_agent.version >= TOLD else ACLPermissionDenied):
            read()
    deleted(acl_agent.version, acl.policy.delete, made["ID"])


def test_a_name_with_a_slash(acl, acl_agent, prefix):
    if acl_agent.version < (1, 16, 1):
        with pytest.raises(ServerError):
            acl.policy.create(f"{prefix}/a")
        return
    made = acl.policy.create(f"{prefix}/a")
    assert acl.policy.get_by_name(f"{prefix}/a").data == made


def test_a_token_for_a_service(acl, acl_client, prefix):
    policy = acl.policy.create(prefix, rules=RULES)
    accessor, secret = str(uuid.uuid4()), str(uuid.uuid4())
    made = acl.token.create(
        accessor_id=accessor,
        secret_id=secret,
        description=prefix,
        policies=[{"Name": prefix}],
        service_identities=[{"ServiceName": "web"}],
        node_identities=[{"NodeName": "n", "Datacenter": "dc1"}],
        local=True,
        expiration_ttl="10m",
    )
    assert (made["AccessorID"], made["SecretID"], made["Local"]) == (accessor, secret, True)
    assert made["Policies"] == [{"ID": policy["ID"], "Name": prefix}]
    assert made["ExpirationTime"] > made["CreateTime"]

    client = acl_client(token=secret)
    own = client.acl.token.self()
    assert own.data["AccessorID"] == accessor
    assert client.acl.token.read_self() == own
    assert client.kv.get("anything").data is None
    for refused in (
        lambda: client.kv.put("anything", ""),
        lambda: client.acl.token.create(),
        lambda: client.acl.token.get(accessor),
        lambda: client.acl.token.list(),
        lambda: client.acl.policy.list(),
        lambda: client.acl.policy.get(policy["ID"]),
        lambda: client.acl.role.list(),
        lambda: client.acl.auth_method.list(),
        lambda: client.acl.binding_rule.list(),
    ):
        with pytest.raises(ACLPermissionDenied):
            refused()

    read = acl.token.get(accessor)
    assert read.data["Policies"] == made["Policies"]
    assert read.index > 0
    for mine in (acl.tokens.list(policy["ID"]), acl.token.list(policy=policy["ID"])):
        assert [entry["AccessorID"] for entry in mine.data] == [accessor]
    changed = acl.token.update(
        accessor, description=f"{prefix} changed", local=True, secret_id=secret
    )
    assert changed["Description"] == f"{prefix} changed"
    assert not changed.get("Policies")
    copy = acl.token.clone(accessor, description=f"{prefix} copy")
    assert copy["SecretID"] != secret
    assert copy["Description"] == f"{prefix} copy"
    for each in (accessor, copy["AccessorID"]):
        assert acl.token.delete(each) is True
    with pytest.raises(ACLPermissionDenied):
        client.acl.token.self()


def test_tokens_that_there_are_not(acl, acl_agent):
    for read in (
        lambda: acl.token.get(NOBODY),
        lambda: acl.token.clone(NOBODY),
    ):
        with pytest.raises(ACLPermissionDenied):
            read()
    with pytest.raises(ServerError):
        acl.token.update(NOBODY, description="d")
    with pytest.raises(ServerError):
        acl.token.create(policies=[{"Name": "nobody"}])
    with pytest.raises(ServerError):
        acl.token.create(expiration_ttl="1s")
    deleted(acl_agent.version, acl.token.delete, NOBODY)
    with pytest.raises(ValueError, match="accessor_id must not be empty"):
        acl.token.update("")


def test_what_a_token_comes_to(acl, acl_agent, prefix):
    acl.policy.create(prefix, rules=RULES)
    made = acl.token.create(description=prefix, policies=[{"Name": prefix}])
    found = acl.token.get(made["AccessorID"], expanded=True).data
    if acl_agent.version < (1, 12):
        assert "ExpandedPolicies" not in found
    else:
        assert [policy["Name"] for policy in found["ExpandedPolicies"]] == [prefix]


def test_a_role(acl, acl_agent, prefix):
    policy = acl.policy.create(prefix)
    made = acl.role.create(
        prefix,
        description="d",
        policies=[{"ID": policy["ID"]}],
        service_identities=[{"ServiceName": "web", "Datacenters": ["dc1"]}],
    )
    assert made["Policies"] == [{"ID": policy["ID"], "Name": prefix}]
    assert acl.role.get(made["ID"]).data == acl.role.get_by_name(prefix).data == made
    assert [role["ID"] for role in acl.roles.list(policy["ID"]).data] == [made["ID"]]
    token = acl.token.create(description=prefix, roles=[{"Name": prefix}])
    assert [role["Name"] for role in token["Roles"]] == [prefix]
    assert [each["AccessorID"] for each in acl.token.list(role=made["ID"]).data] == [
        token["AccessorID"]
    ]
    changed = acl.role.update(made["ID"], f"{prefix}-2")
    assert changed["Name"] == f"{prefix}-2"
    assert not changed.get("Policies")
    with pytest.raises(ServerError):
        acl.role.update(NOBODY, prefix)
    with pytest.raises(ServerError):
        acl.role.create(f"{prefix}-2")
    assert acl.role.delete(made["ID"]) is True
    for read in (lambda: acl.role.get(made["ID"]), lambda: acl.role.get_by_name("nobody")):
        with pytest.raises(NotFound):
            read()
    deleted(acl_agent.version, acl.role.delete, made["ID"])


class Issuer:
    """Signs JWTs, as a provider of identities does."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public = (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def token(self, subject, **claims):
        now = int(time.time())
        claims = {
            "iss": "tests",
            "sub": subject,
            "aud": "consul",
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        parts = [{"alg": "ES256", "typ": "JWT"}, claims]
        signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        signature = self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        numbers = [number.to_bytes(32) for number in decode_dss_signature(signature)]
        return f"{signed}.{encoded(b''.join(numbers))}"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def issuer():
    return Issuer()


def jwt_config(issuer):
    return {
        "BoundIssuer": "tests",
        "BoundAudiences": ["consul"],
        "JWTValidationPubKeys": [issuer.public],
        "ClaimMappings": {"sub": "name"},
    }


def test_a_login_with_a_jwt(acl, acl_client, acl_agent, prefix, issuer):
    name = prefix.lower()
    method = acl.auth_method.create(
        prefix,
        "jwt",
        display_name="shown",
        description="d",
        config=jwt_config(issuer),
        max_token_ttl="5m",
        token_locality="local",
    )
    assert (method["Type"], method["MaxTokenTTL"]) == ("jwt", "5m0s")
    assert acl.auth_method.get(prefix).data == method
    assert prefix in [entry["Name"] for entry in acl.auth_methods.list().data]

    anybody = acl_client(token="")
    with pytest.raises(ACLPermissionDenied):
        # There is no rule.
        anybody.acl.login(prefix, issuer.token(name))
    rule = acl.binding_rule.create(
        prefix, "service", "${value.name}", selector=f'value.name == "{name}"', description="d"
    )
    assert acl.binding_rule.get(rule["ID"]).data == rule
    assert [each["ID"] for each in acl.binding_rules.list(prefix).data] == [rule["ID"]]

    token = anybody.acl.login(prefix, issuer.token(name), {"pod": "p1"})
    assert token["ServiceIdentities"] == [{"ServiceName": name}]
    assert token["AuthMethod"] == prefix
    assert "p1" in token["Description"]
    assert [each["AccessorID"] for each in acl.token.list(authmethod=prefix).data] == [
        token["AccessorID"]
    ]
    client = acl_client(token=token["SecretID"])
    assert client.acl.token.self().data["AccessorID"] == token["AccessorID"]
    assert client.acl.logout() is True
    with pytest.raises(ACLPermissionDenied):
        client.acl.token.self()
    with pytest.raises(ACLPermissionDenied):
        acl.logout()
    with pytest.raises(ACLPermissionDenied if acl_agent.version < TOLD else ACLDisabled):
        anybody.acl.logout()

    for wrong in (issuer.token(name, exp=1), "no.jwt.at all", Issuer().token(name)):
        with pytest.raises(ServerError) as caught:
            anybody.acl.login(prefix, wrong)
        assert wrong not in str(caught.value)
    with pytest.raises(ACLPermissionDenied):
        anybody.acl.login("nobody", issuer.token(name))

    changed = acl.binding_rule.update(rule["ID"], prefix, "role", "r")
    assert (changed["BindType"], changed["Selector"]) == ("role", "")
    changed = acl.auth_method.update(prefix, "jwt", config=jwt_config(issuer))
    assert not changed.get("DisplayName")
    assert acl.binding_rule.delete(rule["ID"]) is True
    assert acl.auth_method.delete(prefix) is True


def test_methods_and_rules_that_there_are_not(acl, acl_agent, prefix):
    for read in (lambda: acl.auth_method.get(prefix), lambda: acl.binding_rule.get(NOBODY)):
        with pytest.raises(NotFound):
            read()
    with pytest.raises(ServerError):
        acl.auth_method.create(prefix, "no such type")
    with pytest.raises(ServerError):
        acl.auth_method.update(prefix, "jwt", config={})
    with pytest.raises(ServerError):
        acl.binding_rule.create(prefix, "service", "web")
    with pytest.raises(ServerError):
        acl.binding_rule.update(NOBODY, prefix, "service", "web")
    deleted(acl_agent.version, acl.auth_method.delete, prefix)
    deleted(acl_agent.version, acl.binding_rule.delete, NOBODY)


def test_templated_policies(acl, acl_client, acl_agent, prefix):
    if acl_agent.version < (1, 17):
        for call in (
            lambda: acl.templated_policy.list(),
            lambda: acl.templated_policy.get("builtin/service"),
            lambda: acl.templated_policy.preview("builtin/service", {"Name": "web"}),
        ):
            with pytest.raises(NotFound):
                call()
        return
    template = acl.templated_policy.get("builtin/service")
    assert acl.templated_policies.list()["builtin/service"] == template
    shown = acl.templated_policy.preview("builtin/service", {"Name": "web"})
    assert "web-sidecar-proxy" in shown["Rules"]
    assert acl.templated_policy.preview("builtin/dns")["Rules"]
    for wrong in (
        lambda: acl.templated_policy.get("nobody"),
        lambda: acl.templated_policy.preview("nobody"),
        lambda: acl.templated_policy.preview("builtin/service"),
    ):
        with pytest.raises(BadRequest):
            wrong()
    with pytest.raises(ACLPermissionDenied):
        acl_client(token="").acl.templated_policy.list()
    made = acl.token.create(
        description=prefix,
        templated_policies=[
            {"TemplateName": "builtin/service", "TemplateVariables": {"Name": "web"}}
        ],
    )
    (policy,) = made["TemplatedPolicies"]
    assert policy["TemplateName"] == "builtin/service"
    assert policy["TemplateVariables"] == {"name": "web"}


def test_replication(acl_consul, consul):
    assert acl_consul.acl.replication()["Enabled"] is False
    with pytest.raises(ServerError):
        acl_consul.acl.replication("no-such-dc")
    with pytest.raises(ACLDisabled):
        consul.acl.replication()


def test_where_acls_are_off(consul):
    for call in (
        lambda: consul.acl.bootstrap(),
        lambda: consul.acl.login("a", "b"),
        lambda: consul.acl.logout(token="something"),
        lambda: consul.acl.token.self(),
        lambda: consul.acl.policy.list(),
        lambda: consul.acl.role.get(NOBODY),
        lambda: consul.acl.auth_method.list(),
        lambda: consul.acl.binding_rule.list(),
    ):
        with pytest.raises(ACLDisabled):
            call()


def test_oidc_is_enterprises(acl_consul):
    for call in (
        lambda: acl_consul.acl.oidc_auth_url("m", "https://localhost/", client_nonce="n"),
        lambda: acl_consul.acl.oidc_callback("m", "state", "code"),
    ):
        with pytest.raises(NotFound):
            call()


def test_legacy_rules(acl, acl_agent):
    if acl_agent.version >= (1, 11):
        for call in (
            lambda: acl.translate_rules('key "" { policy = "read" }'),
            lambda: acl.translate_token(NOBODY),
        ):
            with pytest.raises(NotFound):
                call()
        return
    assert "key_prefix" in acl.translate_rules('key "" { policy = "read" }')
    with pytest.raises(BadRequest):
        acl.translate_rules("key {")
    made = acl.legacy_tokens.create(rules='key "" { policy = "read" }')

    def accessors():
        # The leader gives one to each legacy token, by and by.
        legacy = [entry for entry in acl.token.list().data if entry.get("Legacy")]
        return [entry["AccessorID"] for entry in legacy if entry["AccessorID"]]

    try:
        assert "key_prefix" in acl.translate_token(until(accessors)[0])
    finally:
        acl.destroy(made)
    with pytest.raises(ACLPermissionDenied):
        acl.translate_token(NOBODY)


@pytest.fixture
def unsecured(server):
    """An agent that has ACLs, and no token yet."""
    config = {"acl": {"enabled": True, "default_policy": "allow"}}
    with Agent(server, config=config) as agent:
        yield agent


def test_bootstrap(unsecured, make_client):
    client = make_client(port=unsecured.port)
    secret = str(uuid.uuid4())
    if unsecured.version < (1, 15):
        with pytest.raises(Unsupported, match="ignores bootstrap_secret"):
            client.acl.bootstrap(secret)
        token = client.acl.bootstrap()
    else:
        with pytest.raises(ServerError):
            client.acl.bootstrap("no UUID")
        token = client.acl.bootstrap(secret)
        assert token["SecretID"] == secret
    assert make_client(port=unsecured.port, token=token["SecretID"]).acl.token.list().data
    with pytest.raises(ACLPermissionDenied):
        client.acl.bootstrap()


@one_flavour
def test_a_blocking_read(acl, make_client, acl_agent, prefix):
    made = acl.policy.create(prefix)
    answer = acl.policy.get(made["ID"])
    again = acl.policy.get(made["ID"], index=answer, wait="50ms")
    assert again.data == answer.data
    with contextlib.suppress(ConsulException):
        acl.policy.get(NOBODY, index=1, wait="10ms")
