"""What tokens and roles have in common: links to policies and roles, and identities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NotRequired, TypedDict

from consul.core.bodies import Kind, Struct, listed, texts
from consul.core.values import text


class ACLLink(TypedDict):
    """A policy or a role, as a token or a role names it."""

    ID: str
    Name: str


class ACLServiceIdentity(TypedDict):
    """What lets a service register itself and find others."""

    ServiceName: str
    #: Where it is valid; absent: everywhere.
    Datacenters: NotRequired[list[str]]


class ACLNodeIdentity(TypedDict):
    """What lets an agent register its node."""

    NodeName: str
    Datacenter: str


class ACLTemplatedPolicyVariables(TypedDict, total=False):
    """What a template is filled in with."""

    name: str


class ACLTemplatedPolicy(TypedDict):
    """A template, filled in, as a token or a role names it (1.17)."""

    TemplateID: str
    TemplateName: str
    TemplateVariables: NotRequired[ACLTemplatedPolicyVariables]
    #: Where it is valid; absent: everywhere.
    Datacenters: NotRequired[list[str]]


class ACLGrants(TypedDict, total=False):
    """What a token or a role is given by keyword."""

    #: Policies, each a dict with ``ID`` or ``Name``.
    policies: Iterable[Mapping[str, object]] | None
    #: Templates, each a dict with ``TemplateName`` and perhaps ``TemplateVariables`` (1.17).
    templated_policies: Iterable[Mapping[str, object]] | None


LINKS = listed(Struct(id=text, name=text), "dicts")

#: The kinds of what a token or a role is given.
GRANTS: dict[str, Kind] = {
    "policies": LINKS,
    "roles": LINKS,
    "service_identities": listed(Struct(servicename=text, datacenters=texts), "dicts"),
    "node_identities": listed(Struct(nodename=text, datacenter=text), "dicts"),
    "templated_policies": listed(
        Struct(
            templateid=text,
            templatename=text,
            templatevariables=Struct(name=text),
            datacenters=texts,
        ),
        "dicts",
    ),
}
