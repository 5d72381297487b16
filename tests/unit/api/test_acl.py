import json
from datetime import UTC, datetime, timedelta

import pytest

from consul import exceptions
from consul.base import Consul

C = Consul()
ACL = C.acl


def body(made):
    return json.loads(made.request.body)


def test_legacy_acl_ids_are_secrets():
    for made in (C.acl.info("a b-id"), C.acl.clone("a b-id"), C.acl.destroy("a b-id")):
        assert "b-id" not in repr(made)
        assert "b-id" not in made.request.shown
    for made in (C.acl.create(acl_id="a b-id"), C.acl.update("a b-id")):
        assert "a b-id" in made.request.secrets


def test_bodies_of_legacy_tokens():
    assert body(C.acl.create("n", rules="", acl_id="x")) == {
        "ID": "x", "Name": "n", "Type": "client", "Rules": ""
    }  # fmt: skip
    assert C.acl.update("x", "n", rules="r").request.body == (
        b'{"ID": "x", "Name": "n", "Rules": "r"}'
    )
    with pytest.raises(ValueError, match="type"):
        C.acl.create(type="root")
    with pytest.raises(ValueError, match="acl_id"):
        C.acl.update("")


def test_legacy_tokens_have_a_noun_of_their_own():
    assert ACL.legacy_tokens.info("x").request == ACL.info("x").request
    assert ACL.legacy_tokens.create("n").route is ACL.create("n").route
    assert not hasattr(ACL.legacy_tokens, "bootstrap")


def test_what_is_repeated():
    # They make something new each time, or answer otherwise the second time.
    for made in (
        ACL.create(),
        ACL.update("x"),
        ACL.clone("x"),
        ACL.destroy("x"),
        ACL.bootstrap(),
        ACL.login("m", "jwt"),
        ACL.logout(),
        ACL.oidc_auth_url("m", "uri"),
        ACL.oidc_callback("m", "s", "c"),
        ACL.token.create(),
        ACL.token.clone("a"),
        ACL.token.delete("a"),
        ACL.policy.create("n"),
        ACL.policy.delete("a"),
        ACL.role.create("n"),
        ACL.role.delete("a"),
        ACL.auth_method.delete("a"),
        ACL.binding_rule.create("m", "role", "r"),
        ACL.binding_rule.delete("a"),
    ):
        assert not made.repeatable
    for made in (
        ACL.rules_translate(""),
        ACL.token.update("a"),
        ACL.policy.update("a", "n"),
        ACL.role.update("a", "n"),
        # Creating it again replaces it by the same.
        ACL.auth_method.create("n", "jwt"),
        ACL.auth_method.update("n", "jwt"),
        ACL.binding_rule.update("a", "m", "role", "r"),
        ACL.templated_policy.preview("builtin/dns"),
    ):
        assert made.repeatable


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("bootstrap", lambda value: ACL.bootstrap(value)),
        ("login", lambda value: ACL.login("m", value)),
        ("auth_url", lambda value: ACL.oidc_auth_url("m", "uri", client_nonce=value)),
        ("nonce", lambda value: ACL.oidc_callback("m", "s", "c", client_nonce=value)),
        ("state", lambda value: ACL.oidc_callback("m", value, "c")),
        ("code", lambda value: ACL.oidc_callback("m", "s", value)),
        ("create", lambda value: ACL.token.create(secret_id=value)),
        ("update", lambda value: ACL.token.update("a", secret_id=value)),
    ],
)
def test_secrets_in_bodies_are_hidden(name, made):
    secret = "3f3ab36a-9d1c-4a62-8b3c-9d4cb7ef0a51"
    for value in (secret, secret.encode()):
        request = made(value).request
        assert secret.encode() in request.body
        assert secret in request.secrets
        assert secret not in repr(request)
        # What a server says of it is not shown either.
        error = made(value).located(exceptions.answer(500, f"bad: {secret}"))
        assert secret not in f"{error}{error!r}{error.body}"


GRANTS = {
    "policies": [{"ID": "1"}, {"Name": "p"}],
    "templated_policies": [
        {
            "TemplateName": "builtin/service",
            "TemplateVariables": {"Name": "web"},
            "Datacenters": ("dc1",),
        }
    ],
    "service_identities": [{"ServiceName": b"web", "Datacenters": {"dc2", "dc1"}}],
    "node_identities": [{"NodeName": "n", "Datacenter": "dc1"}],
}
SENT_GRANTS = {
    "Policies": [{"ID": "1"}, {"Name": "p"}],
    "TemplatedPolicies": [
        {
            "TemplateName": "builtin/service",
            "TemplateVariables": {"Name": "web"},
            "Datacenters": ["dc1"],
        }
    ],
    "ServiceIdentities": [{"ServiceName": "web", "Datacenters": ["dc1", "dc2"]}],
    "NodeIdentities": [{"NodeName": "n", "Datacenter": "dc1"}],
}


def test_a_token_with_everything():
    made = ACL.token.create(
        None,
        "accessor",
        "secret-id",
        name="n",
        description="d",
        roles=[{"Name": "r"}],
        local=True,
        expiration_ttl=timedelta(hours=1),
        extra={"Later": 1},
        **GRANTS,
    )
    assert body(made) == {
        **SENT_GRANTS,
        "AccessorID": "accessor",
        "SecretID": "secret-id",
        "Name": "n",
        "Description": "d",
        "Roles": [{"Name": "r"}],
        "Local": True,
        "ExpirationTTL": "3600s",
        "Later": 1,
    }
    assert made.request.target == "/v1/acl/token"
    assert body(ACL.token.create()) == {}


def test_the_end_of_a_token():
    end = datetime(2030, 1, 31, 12, tzinfo=UTC)
    assert body(ACL.token.create(expiration_time=end)) == {
        "ExpirationTime": "2030-01-31T12:00:00+00:00"
    }
    assert body(ACL.token.create(expiration_time="2030-01-31T12:00:00Z")) == {
        "ExpirationTime": "2030-01-31T12:00:00Z"
    }
    with pytest.raises(ValueError, match=r"^expiration_time must be a datetime with a time zone"):
        ACL.token.create(expiration_time=end.replace(tzinfo=None))
    # To Consul it would be a token without end.
    for nothing in (0, "0s", timedelta(0)):
        with pytest.raises(ValueError, match=r"^expiration_ttl must be above 0"):
            ACL.token.create(expiration_ttl=nothing)
        with pytest.raises(ValueError, match=r"^extra\['ExpirationTTL'\] must be above 0"):
            ACL.token.create(extra={"ExpirationTTL": nothing})


def test_an_update_has_the_accessor_in_path_and_body():
    made = ACL.token.update("b1", policies=[])
    assert made.request.target == "/v1/acl/token/b1"
    assert body(made) == {"AccessorID": "b1", "Policies": []}
    # What was read is given back with a change.
    made = ACL.token.update("b1", extra={"AccessorID": "b1", "Hash": "h", "Description": "d"})
    assert body(made) == {"AccessorID": "b1", "Hash": "h", "Description": "d"}
    with pytest.raises(ValueError, match=r"^accessor_id and extra\['AccessorID'\] are two values"):
        ACL.token.update("b1", extra={"AccessorID": "other"})


@pytest.mark.parametrize(
    ("argument", "made"),
    [
        # Consul would create something new, or change it.
        ("accessor_id", lambda: ACL.token.update("")),
        ("policy_id", lambda: ACL.policy.update("", "n")),
        ("role_id", lambda: ACL.role.update("", "n")),
        ("name", lambda: ACL.auth_method.update("", "jwt")),
        ("binding_rule_id", lambda: ACL.binding_rule.update("", "m", "role", "r")),
    ],
)
def test_an_update_needs_an_id(argument, made):
    with pytest.raises(ValueError, match=f"^{argument} must not be empty"):
        made()


def test_a_clone_has_a_body():
    assert ACL.token.clone("a").request.body == b"{}"
    assert body(ACL.token.clone("a", description="d")) == {"Description": "d"}
    assert ACL.token.clone("a").request.path == "/v1/acl/token/a/clone"


def test_lists_are_filtered():
    made = ACL.token.list("p", "r", "m", "web", authmethod_ns="team")
    assert made.request.params == (
        ("policy", "p"),
        ("role", "r"),
        ("authmethod", "m"),
        ("servicename", "web"),
        ("authmethod-ns", "team"),
    )
    assert ACL.token.list().request.params == ()
    assert ACL.role.list("p").request.params == (("policy", "p"),)
    assert ACL.binding_rule.list("m").request.params == (("authmethod", "m"),)


def test_what_old_servers_ignore_needs_their_version():
    assert not ACL.token.list(servicename="web").plain
    assert not ACL.token.get("a", expanded=True).plain
    assert ACL.token.list("p").plain
    assert ACL.token.get("a", expanded=False).plain
    # Consul would take "false" for set.
    assert ACL.token.get("a", expanded="false").request.params == ()


def test_a_policy_and_a_role():
    made = ACL.policy.create("n", None, "d", "rules", datacenters=["dc1"], extra={"Later": 1})
    assert body(made) == {
        "Name": "n",
        "Description": "d",
        "Rules": "rules",
        "Datacenters": ["dc1"],
        "Later": 1,
    }
    assert body(ACL.policy.update("i", "n")) == {"ID": "i", "Name": "n"}
    assert ACL.policy.get_by_name("team/n").request.path == "/v1/acl/policy/name/team%2Fn"
    assert body(ACL.role.create("n", description="d", **GRANTS)) == {
        "Name": "n",
        "Description": "d",
        **SENT_GRANTS,
    }
    assert body(ACL.role.update("i", "n", policies=[])) == {"ID": "i", "Name": "n", "Policies": []}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"policies": [{"Name": 5}]}, r"policies\[0\]\['Name'\] must be str"),
        ({"policies": ["p"]}, r"policies\[0\] must be a dict, not str"),
        ({"policies": [{"ID": "1", "id": "2"}]}, r"policies\[0\]\['ID'\] and .* the same field"),
        (
            {"templated_policies": [{"TemplateVariables": {"Name": None, "name": 5}}]},
            r"templated_policies\[0\]\['TemplateVariables'\]\['name'\] must be str",
        ),
        (
            {"service_identities": [{"Datacenters": "dc1"}]},
            r"service_identities\[0\]\['Datacenters'\] must be a list of str, not str",
        ),
        ({"node_identities": {"NodeName": "n"}}, "node_identities must be a list of dicts"),
        ({"extra": {"Policies": "p"}}, r"extra\['Policies'\] must be a list of dicts"),
        (
            {"policies": [], "extra": {"Policies": [{}]}},
            r"policies and extra\['Policies'\] are two",
        ),
    ],
)
def test_what_cannot_be_granted(given, message):
    for call in (ACL.token.create, lambda **given: ACL.role.create("n", **given)):
        with pytest.raises((TypeError, ValueError), match=f"^{message}"):
            call(**given)


def test_an_auth_method():
    made = ACL.auth_method.create(
        "n",
        "jwt",
        None,
        "shown",
        "d",
        {"BoundIssuer": "a", "ExpirationLeeway": 0},
        3600,
        "global",
        "${auth_method_name}",
        namespace_rules=[{"Selector": "", "BindNamespace": "team"}],
        extra={"Later": 1},
    )
    assert body(made) == {
        "Name": "n",
        "Type": "jwt",
        "DisplayName": "shown",
        "Description": "d",
        "Config": {"BoundIssuer": "a", "ExpirationLeeway": 0},
        "MaxTokenTTL": "3600s",
        "TokenLocality": "global",
        "TokenNameFormat": "${auth_method_name}",
        "NamespaceRules": [{"Selector": "", "BindNamespace": "team"}],
        "Later": 1,
    }
    made = ACL.auth_method.update("n", "jwt", config={})
    assert body(made) == {"Name": "n", "Type": "jwt", "Config": {}}
    assert made.request.path == "/v1/acl/auth-method/n"
    for bad in ("a", ["a"], {5: "a"}):
        with pytest.raises(TypeError, match=r"^config must "):
            ACL.auth_method.create("n", "jwt", config=bad)


def test_a_binding_rule():
    made = ACL.binding_rule.create(
        "m",
        "templated-policy",
        "builtin/service",
        None,
        "d",
        'value.team == "a"',
        {"Name": "${value.name}"},
    )
    assert body(made) == {
        "AuthMethod": "m",
        "BindType": "templated-policy",
        "BindName": "builtin/service",
        "Description": "d",
        "Selector": 'value.team == "a"',
        "BindVars": {"Name": "${value.name}"},
    }
    made = ACL.binding_rule.update("i", "m", "role", "r")
    assert body(made) == {"AuthMethod": "m", "BindType": "role", "BindName": "r"}
    assert made.request.path == "/v1/acl/binding-rule/i"


def test_a_template():
    made = ACL.templated_policy.preview("builtin/service", {"Name": "web"})
    assert made.request.path == "/v1/acl/templated-policy/preview/builtin%2Fservice"
    assert body(made) == {"Name": "web"}
    # Consul wants a body.
    assert ACL.templated_policy.preview("builtin/dns").request.body == b"{}"
    for bad in ("", [], 0, False):
        with pytest.raises(TypeError, match=r"^template_variables must be a mapping"):
            ACL.templated_policy.preview("builtin/service", bad)


def test_logins():
    assert ACL.bootstrap().request.body == b""
    assert body(ACL.bootstrap("uuid")) == {"BootstrapSecret": "uuid"}
    assert body(ACL.login("m", "jwt", {"pod": "a"})) == {
        "AuthMethod": "m",
        "BearerToken": "jwt",
        "Meta": {"pod": "a"},
    }
    assert dict(ACL.logout("mine").request.headers)["X-Consul-Token"] == "mine"
    assert body(ACL.oidc_auth_url("m", "uri", client_nonce="n", meta={})) == {
        "AuthMethod": "m",
        "RedirectURI": "uri",
        "ClientNonce": "n",
        "Meta": {},
    }
    assert body(ACL.oidc_callback("m", "s", "c")) == {"AuthMethod": "m", "State": "s", "Code": "c"}


def test_rules_are_sent_as_they_are():
    made = ACL.rules_translate('key "é" {}')
    assert made.request.body == 'key "é" {}'.encode()
    assert ACL.rules_translate(b"").request.body == b""


def test_the_names_of_the_forks_are_the_same_methods():
    for noun in (ACL.token, ACL.policy, ACL.role, ACL.auth_method, ACL.binding_rule):
        assert noun.read("x").route is noun.get("x").route
    for noun in (ACL.policy, ACL.role):
        assert noun.read_by_name("x").route is noun.get_by_name("x").route
    assert ACL.templated_policy.read("x").route is ACL.templated_policy.get("x").route
    assert ACL.self("x").request == ACL.token.read_self("x").request == ACL.token.self("x").request
    assert ACL.create_translate("x").route is ACL.rules_translate("x").route
    assert ACL.get_translate("x").route is ACL.rules_translate_token("x").route
    for one, other in (
        (ACL.token, ACL.tokens),
        (ACL.policy, ACL.policies),
        (ACL.role, ACL.roles),
        (ACL.auth_method, ACL.auth_methods),
        (ACL.binding_rule, ACL.binding_rules),
        (ACL.templated_policy, ACL.templated_policies),
    ):
        assert type(one) is type(other)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (404, "Requested policy does not exist: ACL not found", "UnknownACL"),
        (404, "Requested auth method does not exist: ACL not found", "UnknownACL"),
        (500, 'rpc error making call: Cannot find token "1"', "UnknownACL"),
        (500, "cannot find role 1", "UnknownACL"),
        (500, "cannot find binding rule 1", "UnknownACL"),
        # The token of the call may be the unknown one.
        (404, "Cannot find token to delete", "NotFound"),
        (404, "Cannot find policy to delete", "NotFound"),
        (403, "token does not exist: ACL not found", "ACLPermissionDenied"),
        # This is about a link, not about what was to be updated.
        (500, 'No such ACL policy with name "a"', "ServerError"),
        (500, 'cannot find auth method with name "a"', "ServerError"),
    ],
)
def test_what_is_certainly_missing(status, text, kind):
    assert type(exceptions.answer(status, text)).__name__ == kind
