"""What tokens and roles have in common: the policies and identities that they grant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NotRequired, TypedDict

from consul.core.bodies import Kind, Struct, listed, text_map, texts
from consul.core.values import text


class ACLLink(TypedDict, total=False):
    """A policy or a role, by its id or by its name.  Answers have both."""

    ID: str
    Name: str


class ACLServiceIdentity(TypedDict):
    """The rights that an instance of a service needs."""

    ServiceName: str
    #: Where the rights hold; everywhere by default.
    Datacenters: NotRequired[list[str] | None]


class ACLNodeIdentity(TypedDict):
    """The rights that the agent of a node needs (1.8.1)."""

    NodeName: str
    Datacenter: str


class ACLTemplatedPolicy(TypedDict):
    """A policy that Consul makes of a template (1.17)."""

    TemplateName: str
    TemplateID: NotRequired[str]
    #: Consul answers the names of variables in lower case.
    TemplateVariables: NotRequired[dict[str, str] | None]
    Datacenters: NotRequired[list[str] | None]


class ACLGrants(TypedDict, total=False):
    """What a token or a role grants."""

    #: Policies, each with ``ID`` or ``Name``.
    policies: Iterable[ACLLink] | None
    #: Policies made of templates (1.17), each with ``TemplateName`` and ``TemplateVariables``.
    templated_policies: Iterable[ACLTemplatedPolicy] | None
    #: Services, each with ``ServiceName`` and perhaps ``Datacenters``.
    service_identities: Iterable[ACLServiceIdentity] | None
    #: Nodes (1.8.1), each with ``NodeName`` and ``Datacenter``.
    node_identities: Iterable[ACLNodeIdentity] | None


LINKS = listed(Struct(id=text, name=text), "dicts")
GRANTS: dict[str, Kind] = {
    "policies": LINKS,
    "templated_policies": listed(
        Struct(templatename=text, templatevariables=text_map, datacenters=texts), "dicts"
    ),
    "service_identities": listed(Struct(servicename=text, datacenters=texts), "dicts"),
    "node_identities": listed(Struct(nodename=text, datacenter=text), "dicts"),
}
