"""Tokens, and what they are made of: policies, roles, templates, auth methods, binding rules."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from consul import (
    ACLDisabled,
    ACLPermissionDenied,
    BadRequest,
    NotFound,
    Redirected,
    ServerError,
    UnknownACL,
    Unsupported,
)
from tests.flavours import FLAVOURS
from tests.issuer import Issuer

ANONYMOUS = "00000000-0000-0000-0000-000000000002"
MANAGEMENT = "00000000-0000-0000-0000-000000000001"
UNKNOWN = str(uuid.uuid4())
READS_KEYS = 'key_prefix "" { policy = "read" }'


@pytest.fixture
def master(acl_client):
    """A client that may do everything."""
    return acl_client()


@pytest.fixture
def policy(master, prefix):
    """A policy that lets keys be read."""
    found = master.acl.policy.create(prefix, rules=READS_KEYS)
    yield found
    master.acl.policy.delete(found["ID"])


# Policies


def test_the_life_of_a_policy(master, acl_agent, prefix):
    index = master.acl.policy.list().index
    made = master.acl.policy.create(prefix, None, "d", READS_KEYS, datacenters=["dc1"])
    assert (made["Name"], made["Description"]) == (prefix, "d")
    assert (made["Rules"], made["Datacenters"]) == (READS_KEYS, ["dc1"])
    listed = master.acl.policy.list(index=index, wait="10s")
    assert listed.index > index
    (entry,) = (one for one in listed.data if one["Name"] == prefix)
    assert entry["ID"] == made["ID"]
    assert "Rules" not in entry
    assert master.acl.policy.get(made["ID"]).data == made
    assert master.acl.policy.get_by_name(prefix, consistency="consistent").data == made
    with pytest.raises(ServerError, match=prefix):
        master.acl.policy.create(prefix)

    # What is not given is removed.
    changed = master.acl.policy.update(made["ID"], f"{prefix}-2")
    assert (changed["Name"], changed["Description"], changed["Rules"]) == (f"{prefix}-2", "", "")
    assert "Datacenters" not in changed
    assert master.acl.policy.delete(made["ID"]) is True
    with pytest.raises(ACLPermissionDenied if acl_agent.version < (1, 15) else UnknownACL):
        master.acl.policy.get(made["ID"])


def test_a_policy_with_a_slash_in_its_name(master, acl_agent, prefix):
    name = f"{prefix}/a"
    if acl_agent.version < (1, 16, 1):
        with pytest.raises(ServerError, match="invalid Name"):
            master.acl.policy.create(name)
        with pytest.raises((ACLPermissionDenied, Redirected)):
            master.acl.policy.get_by_name(name)
        return
    made = master.acl.policy.create(name)
    assert master.acl.policy.get_by_name(name).data == made
    assert master.acl.policy.delete(made["ID"]) is True


def test_policies_that_are_refused(master, prefix):
    for rules in ("nonsense {", 'key "a" { policy = "eat" }'):
        with pytest.raises(ServerError):
            master.acl.policy.create(prefix, rules=rules)
    with pytest.raises(ServerError, match="Name"):
        master.acl.policy.create("a b")
    with pytest.raises(BadRequest, match="Nonsense"):
        master.acl.policy.create(prefix, extra={"Nonsense": 1})
    with pytest.raises(ServerError):
        # Consul's own one.
        master.acl.policy.delete(MANAGEMENT)


# Roles


def test_the_life_of_a_role(master, policy, prefix):
    made = master.acl.role.create(
        prefix,
        description="d",
        policies=[{"Name": policy["Name"]}],
        service_identities=[{"ServiceName": "web", "Datacenters": ["dc1"]}],
        node_identities=[{"NodeName": "n", "Datacenter": "dc1"}],
    )
    assert made["Policies"] == [{"ID": policy["ID"], "Name": policy["Name"]}]
    assert made["ServiceIdentities"] == [{"ServiceName": "web", "Datacenters": ["dc1"]}]
    assert made["NodeIdentities"] == [{"NodeName": "n", "Datacenter": "dc1"}]
    assert master.acl.role.get(made["ID"]).data == made
    assert master.acl.role.get_by_name(prefix).data == made
    assert master.acl.role.list(policy["ID"]).data == [made]
    assert made in master.acl.role.list().data
    with pytest.raises(ServerError, match=prefix):
        master.acl.role.create(prefix)

    changed = master.acl.role.update(made["ID"], prefix)
    assert changed["Description"] == ""
    assert not {"Policies", "ServiceIdentities", "NodeIdentities"} & set(changed)
    with pytest.raises(ServerError) as caught:
        master.acl.role.update(made["ID"], prefix, policies=[{"Name": f"{prefix}-unknown"}])
    # It is a policy that is missing, not the role.
    assert type(caught.value) is ServerError
    assert master.acl.role.delete(made["ID"]) is True
    with pytest.raises(NotFound):
        master.acl.role.get_by_name(prefix)


# Tokens


def test_the_life_of_a_token(acl_client, master, policy, prefix):
    role = master.acl.role.create(prefix)
    accessor, secret = str(uuid.uuid4()), str(uuid.uuid4())
    made = master.acl.token.create(
        None,
        accessor,
        secret,
        [{"NodeName": "n", "Datacenter": "dc1"}],
        [{"ServiceName": "web"}],
        description=prefix,
        policies=[{"ID": policy["ID"]}],
        roles=[{"Name": prefix}],
    )
    assert (made["AccessorID"], made["SecretID"]) == (accessor, secret)
    assert made["Policies"] == [{"ID": policy["ID"], "Name": policy["Name"]}]
    assert made["Roles"] == [{"ID": role["ID"], "Name": prefix}]
    assert made["ServiceIdentities"] == [{"ServiceName": "web"}]
    assert made["NodeIdentities"] == [{"NodeName": "n", "Datacenter": "dc1"}]
    assert made["Local"] is False
    assert master.acl.token.get(accessor).data == made

    client = acl_client(token=secret)
    assert client.acl.token.self().data == made
    assert client.acl.self().index == client.acl.token.self().index
    assert client.kv.get(prefix).data is None
    with pytest.raises(ACLPermissionDenied):
        client.kv.put(prefix, "x")

    # One thing is changed by giving back what was read.
    changed = master.acl.token.update(accessor, extra={**made, "Description": "other"})
    assert changed["Description"] == "other"
    assert changed["Policies"] == made["Policies"]
    # What is not given is removed.
    changed = master.acl.token.update(accessor, description="nothing")
    assert not {"Policies", "Roles", "ServiceIdentities", "NodeIdentities"} & set(changed)
    assert changed["SecretID"] == secret
    with pytest.raises(ACLPermissionDenied):
        client.kv.get(prefix, consistency="consistent")

    assert master.acl.token.delete(accessor) is True
    assert master.acl.role.delete(role["ID"]) is True
    with pytest.raises(ACLPermissionDenied):
        master.acl.token.get(accessor)


def test_a_clone(acl_client, master, policy):
    made = master.acl.token.create(
        policies=[{"ID": policy["ID"]}], description="d", expiration_ttl="1h"
    )
    copy = master.acl.token.clone(made["AccessorID"])
    other = master.acl.token.clone(made["AccessorID"], description="other")
    assert len({one["SecretID"] for one in (made, copy, other)}) == 3
    assert (copy["Description"], other["Description"]) == ("d", "other")
    for one in (copy, other):
        assert one["Policies"] == made["Policies"]
        # It ends when the first one does.
        assert one["ExpirationTime"] == made["ExpirationTime"]
        assert acl_client(token=one["SecretID"]).kv.get("a").data is None
    for one in (made, copy, other):
        assert master.acl.token.delete(one["AccessorID"]) is True


def test_a_token_that_ends(acl_client, master, acl_agent):
    """Its end is stored.  No server can be told to accept one in less than a minute."""
    ends = datetime.now(UTC) + timedelta(minutes=10)
    for given in ({"expiration_ttl": timedelta(minutes=10)}, {"expiration_time": ends}):
        made = master.acl.token.create(**given)
        stored = datetime.fromisoformat(made["ExpirationTime"][:19] + "+00:00")
        assert abs(stored - ends) < timedelta(minutes=2)
        client = acl_client(token=made["SecretID"])
        assert client.acl.self().data["ExpirationTime"] == made["ExpirationTime"]
        with pytest.raises(ServerError, match="Cannot change expiration time"):
            master.acl.token.update(made["AccessorID"], expiration_ttl="1h")
        assert master.acl.token.delete(made["AccessorID"]) is True
    with pytest.raises(ServerError, match="cannot be less than 1m0s"):
        master.acl.token.create(expiration_ttl=59)
    with pytest.raises(ServerError, match="cannot both be set"):
        master.acl.token.create(expiration_ttl="1h", expiration_time=ends)
    if acl_agent.version < (1, 22):
        with pytest.raises(ServerError, match="cannot be more than 24h"):
            master.acl.token.create(expiration_ttl="25h")


def test_what_cannot_be_changed(master):
    made = master.acl.token.create(local=True)
    accessor = made["AccessorID"]
    for given in (
        {"secret_id": str(uuid.uuid4()), "local": True},
        {"auth_method": "other", "local": True},
        # It is False where it is not given.
        {},
    ):
        with pytest.raises(ServerError):
            master.acl.token.update(accessor, **given)
    assert master.acl.token.update(accessor, local=True)["Local"] is True
    assert master.acl.token.delete(accessor) is True
    with pytest.raises(ServerError, match="anonymous"):
        master.acl.token.delete(ANONYMOUS)
    with pytest.raises(ServerError):
        # The one that this call sends.
        master.acl.token.delete(master.acl.self().data["AccessorID"])


def test_tokens_that_are_refused(master, acl_agent, prefix):
    for given in ({"policies": [{"Name": prefix}]}, {"roles": [{"ID": UNKNOWN}]}):
        with pytest.raises(ServerError, match="No such ACL") as caught:
            master.acl.token.create(**given)
        assert type(caught.value) is ServerError
    with pytest.raises(BadRequest, match="Nonsense"):
        master.acl.token.create(extra={"Nonsense": 1})
    with pytest.raises(ServerError):
        master.acl.token.create(None, "no-uuid")
    if acl_agent.version < (1, 17):
        with pytest.raises(BadRequest, match="unknown field"):
            master.acl.token.create(templated_policies=[{"TemplateName": "a"}])


def test_a_token_has_a_name(master, acl_agent, prefix):
    if acl_agent.version < (1, 22):
        with pytest.raises(BadRequest, match="unknown field"):
            master.acl.token.create(name=prefix)
        return
    made = master.acl.token.create(name=prefix)
    assert made["Name"] == prefix
    assert master.acl.token.delete(made["AccessorID"]) is True


def test_lists_of_tokens(acl_client, master, acl_agent, policy, prefix):
    role = master.acl.role.create(prefix)
    made = master.acl.token.create(
        policies=[{"ID": policy["ID"]}],
        roles=[{"ID": role["ID"]}],
        service_identities=[{"ServiceName": prefix}],
    )
    accessor = made["AccessorID"]
    for filters in ({"policy": policy["ID"]}, {"role": role["ID"]}):
        assert [one["AccessorID"] for one in master.acl.token.list(**filters).data] == [accessor]
    assert accessor in [one["AccessorID"] for one in master.acl.token.list().data]
    assert master.acl.token.list(policy=UNKNOWN).data == []
    assert master.acl.token.list(authmethod=prefix).data == []
    if acl_agent.version < (1, 16, 2):
        with pytest.raises(
            Unsupported, match=r"ignores servicename here, which needs Consul 1\.16"
        ):
            master.acl.token.list(servicename=prefix)
    else:
        (one,) = master.acl.token.list(servicename=prefix).data
        assert one["AccessorID"] == accessor
        assert one["SecretID"] == made["SecretID"]
    # Who may only read them sees no secret.
    reads = master.acl.policy.create(f"{prefix}-acl", rules='acl = "read"')
    reader = master.acl.token.create(policies=[{"ID": reads["ID"]}])
    client = acl_client(token=reader["SecretID"])
    (one,) = client.acl.token.list(policy["ID"]).data
    assert one.get("SecretID", "<hidden>") == "<hidden>"
    assert client.acl.token.get(accessor).data["SecretID"] == "<hidden>"
    with pytest.raises(ACLPermissionDenied):
        client.acl.token.clone(accessor)
    for one in (made, reader):
        assert master.acl.token.delete(one["AccessorID"]) is True
    assert master.acl.policy.delete(reads["ID"]) is True
    assert master.acl.role.delete(role["ID"]) is True


def test_an_expanded_token(master, acl_agent, policy, prefix):
    role = master.acl.role.create(prefix, policies=[{"ID": policy["ID"]}])
    made = master.acl.token.create(roles=[{"ID": role["ID"]}])
    empty = master.acl.token.create()
    if acl_agent.version < (1, 12):
        with pytest.raises(Unsupported, match=r"ignores expanded here, which needs Consul 1\.12"):
            master.acl.token.get(made["AccessorID"], expanded=True)
    else:
        found = master.acl.token.get(made["AccessorID"], expanded=True).data
        assert found["ExpandedPolicies"] == [policy]
        assert found["ExpandedRoles"] == [role]
        assert found["AgentACLDefaultPolicy"] == "deny"
        assert found["ResolvedByAgent"] == acl_agent.name
        found = master.acl.token.get(empty["AccessorID"], expanded=True).data
        assert found["ExpandedPolicies"] is None
    assert "ExpandedPolicies" not in master.acl.token.get(made["AccessorID"], expanded=False).data
    for one in (made, empty):
        assert master.acl.token.delete(one["AccessorID"]) is True
    assert master.acl.role.delete(role["ID"]) is True


# Templates


def test_templates(acl_client, master, acl_agent, prefix):
    templates = master.acl.templated_policy
    calls = (
        lambda: templates.list(),
        lambda: templates.get("builtin/service"),
        lambda: templates.preview("builtin/service", {"Name": "web"}),
    )
    if acl_agent.version < (1, 17):
        for call in calls:
            with pytest.raises(NotFound):
                call()
        return

    listed, got, made = (call() for call in calls)
    assert listed["builtin/service"] == got
    assert got["TemplateName"] == "builtin/service"
    assert 'service "web"' in made["Rules"]
    assert templates.preview("builtin/dns")["Rules"]
    for bad in (
        lambda: templates.get("nonsense"),
        lambda: templates.preview("nonsense"),
        lambda: templates.preview("builtin/service"),
    ):
        with pytest.raises(BadRequest):
            bad()

    given = [
        {"TemplateName": "builtin/service", "TemplateVariables": {"Name": prefix}},
        {"TemplateName": "builtin/dns", "Datacenters": ["dc1"]},
    ]
    role = master.acl.role.create(prefix, templated_policies=given)
    token = master.acl.token.create(templated_policies=given)
    for one in (role, token):
        service, dns = one["TemplatedPolicies"]
        assert service["TemplateName"] == "builtin/service"
        assert service["TemplateVariables"] == {"name": prefix}
        assert dns["Datacenters"] == ["dc1"]
    client = acl_client(token=token["SecretID"])
    assert client.agent.service.register(prefix) is True
    assert client.agent.service.deregister(prefix) is True
    assert master.acl.token.delete(token["AccessorID"]) is True
    assert master.acl.role.delete(role["ID"]) is True


# Auth methods and binding rules


def test_the_life_of_an_auth_method_and_its_rules(master, acl_agent, prefix):
    config = Issuer().config
    made = master.acl.auth_method.create(
        prefix, "jwt", None, "shown", "d", config, timedelta(minutes=5), "global"
    )
    assert made["Config"] == config
    assert (made["Name"], made["Type"]) == (prefix, "jwt")
    assert (made["DisplayName"], made["Description"]) == ("shown", "d")
    assert (made["MaxTokenTTL"], made["TokenLocality"]) == ("5m0s", "global")
    assert master.acl.auth_method.get(prefix).data == made
    (entry,) = (one for one in master.acl.auth_method.list().data if one["Name"] == prefix)
    assert "Config" not in entry

    rules = master.acl.binding_rule
    rule = rules.create(prefix, "role", "a", None, "d", 'value.name == "b"')
    assert (rule["AuthMethod"], rule["BindType"], rule["BindName"]) == (prefix, "role", "a")
    assert (rule["Description"], rule["Selector"]) == ("d", 'value.name == "b"')
    assert rules.get(rule["ID"]).data == rule
    assert rules.list(prefix).data == [rule]
    assert rule in rules.list().data
    changed = rules.update(rule["ID"], prefix, "service", "${value.name}")
    assert (changed["BindType"], changed["Selector"]) == ("service", "")
    with pytest.raises(ServerError):
        rules.update(rule["ID"], f"{prefix}-other", "service", "a")
    with pytest.raises(ServerError):
        rules.create(prefix, "nonsense", "a")
    with pytest.raises(ServerError) as caught:
        rules.create(f"{prefix}-unknown", "role", "a")
    assert type(caught.value) is ServerError
    variables = {"Name": "${value.name}"}
    if acl_agent.version < (1, 17):
        with pytest.raises(BadRequest, match="unknown field"):
            rules.create(prefix, "templated-policy", "builtin/service", bind_vars=variables)
    else:
        other = rules.create(prefix, "templated-policy", "builtin/service", bind_vars=variables)
        assert other["BindVars"] == {"name": "${value.name}"}
        assert rules.create(prefix, "policy", "a")["BindType"] == "policy"

    # What is not given is removed.
    changed = master.acl.auth_method.update(prefix, "jwt", config=config)
    assert not {"DisplayName", "Description", "MaxTokenTTL", "TokenLocality"} & set(changed)
    for bad in (
        lambda: master.acl.auth_method.update(prefix, "kubernetes", config=config),
        lambda: master.acl.auth_method.create(f"{prefix}-2", "nonsense"),
        lambda: master.acl.auth_method.create(f"{prefix}-2", "jwt", config={}),
    ):
        with pytest.raises(ServerError):
            bad()
    assert rules.delete(rule["ID"]) is True
    assert master.acl.auth_method.delete(prefix) is True
    # Its rules are gone with it.
    assert rules.list(prefix).data == []


def test_an_auth_method_is_created_by_both(master, prefix):
    config = Issuer().config
    first = master.acl.auth_method.update(prefix, "jwt", config=config)
    second = master.acl.auth_method.create(prefix, "jwt", description="d", config=config)
    assert second["CreateIndex"] == first["CreateIndex"]
    assert master.acl.auth_method.get(prefix).data["Description"] == "d"
    assert master.acl.auth_method.delete(prefix) is True


# What is missing, forbidden, malformed or switched off


#: Of what does not exist: what the call raises before Consul 1.15, and since.
MISSING = {
    "token.get": ((UNKNOWN,), ACLPermissionDenied, ACLPermissionDenied),
    "token.clone": ((UNKNOWN,), ACLPermissionDenied, ACLPermissionDenied),
    "token.update": ((UNKNOWN,), UnknownACL, UnknownACL),
    "token.delete": ((UNKNOWN,), None, NotFound),
    "policy.get": ((UNKNOWN,), ACLPermissionDenied, UnknownACL),
    "policy.get_by_name": ((UNKNOWN,), ACLPermissionDenied, UnknownACL),
    "policy.update": ((UNKNOWN, "n"), UnknownACL, UnknownACL),
    "policy.delete": ((UNKNOWN,), None, NotFound),
    "role.get": ((UNKNOWN,), NotFound, UnknownACL),
    "role.get_by_name": ((UNKNOWN,), NotFound, UnknownACL),
    "role.update": ((UNKNOWN, "n"), UnknownACL, UnknownACL),
    "role.delete": ((UNKNOWN,), None, NotFound),
    "auth_method.get": ((UNKNOWN,), NotFound, UnknownACL),
    "auth_method.delete": ((UNKNOWN,), None, NotFound),
    "binding_rule.get": ((UNKNOWN,), NotFound, UnknownACL),
    "binding_rule.update": ((UNKNOWN, "m", "role", "r"), UnknownACL, UnknownACL),
    "binding_rule.delete": ((UNKNOWN,), None, NotFound),
}
#: Whatever else needs a permission.
OTHERS = {
    "token.create": (),
    "token.list": (),
    "policy.create": ("n",),
    "policy.list": (),
    "role.create": ("n",),
    "role.list": (),
    "auth_method.create": ("n", "jwt"),
    "auth_method.update": ("n", "jwt"),
    "auth_method.list": (),
    "binding_rule.create": ("m", "role", "r"),
    "binding_rule.list": (),
}


def call(client, name, args):
    noun, _, method = name.partition(".")
    return getattr(getattr(client.acl, noun), method)(*args)


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing(master, acl_agent, name):
    args, before, since = MISSING[name]
    kind = before if acl_agent.version < (1, 15) else since
    if kind is None:
        assert call(master, name, args) is True
        return
    with pytest.raises(kind) as caught:
        call(master, name, args)
    assert type(caught.value) is kind
    if kind is UnknownACL:
        assert isinstance(caught.value, NotFound)
        assert isinstance(caught.value, ServerError)


def test_what_is_forbidden(acl_client, master, acl_agent):
    token = master.acl.token.create()
    for client in (acl_client(token=token["SecretID"]), acl_client(token="")):
        for name, args in {
            **{name: args for name, (args, *_) in MISSING.items()},
            **OTHERS,
        }.items():
            with pytest.raises(ACLPermissionDenied) as caught:
                call(client, name, args)
            assert caught.value.token_sent is (client.token is not None)
        templates = client.acl.templated_policy
        for template in (templates.list, lambda t=templates: t.preview("builtin/dns")):
            with pytest.raises(NotFound if acl_agent.version < (1, 17) else ACLPermissionDenied):
                template()
    assert master.acl.token.delete(token["AccessorID"]) is True
    # Newer servers say of any delete by an unknown token that there is nothing to delete.
    stranger = acl_client(token=str(uuid.uuid4()))
    with pytest.raises(ACLPermissionDenied if acl_agent.version < (1, 15) else NotFound):
        stranger.acl.token.delete(UNKNOWN)
    with pytest.raises(ACLPermissionDenied):
        stranger.acl.token.self()


def test_ids_that_are_none(master):
    for noun in (master.acl.token, master.acl.policy, master.acl.role, master.acl.binding_rule):
        for method in (noun.get, noun.delete):
            with pytest.raises(ServerError) as caught:
                method("no-uuid")
            assert type(caught.value) is ServerError


@pytest.mark.parametrize("flavour", [next(iter(FLAVOURS))], indirect=True)
def test_without_acls(consul, agent):
    for name, args in {**{name: args for name, (args, *_) in MISSING.items()}, **OTHERS}.items():
        with pytest.raises(ACLDisabled):
            call(consul, name, args)
    for other in (
        lambda: consul.acl.self(),
        lambda: consul.acl.bootstrap(),
        lambda: consul.acl.replication(),
        lambda: consul.acl.login("m", "jwt"),
        lambda: consul.acl.logout(),
    ):
        with pytest.raises(ACLDisabled):
            other()
    with pytest.raises(NotFound if agent.version < (1, 17) else ACLDisabled):
        consul.acl.templated_policy.list()


@pytest.mark.parametrize("flavour", [next(iter(FLAVOURS))], indirect=True)
def test_namespaces_need_enterprise(master, acl_agent):
    for call in (master.acl.token.list, master.acl.role.list, master.acl.token.create):
        with pytest.raises(BadRequest):
            call(ns="team")
