"""The structures of answers and the keywords of calls, for users' annotations."""

import importlib
import pkgutil
import re
import typing

import pytest

import consul.api
import consul.types
from consul.api import options
from tests.shapes import answer_of, keys_of
from tests.unit.test_endpoints import METHODS

#: What has no structure in answers, with the reason: keys of structures, or methods.
PARTS = "a part of a config entry, which is passed on as Consul writes it"
STEPS = "made of config entries, and passed on as Consul writes it"
OPAQUE = {
    "ACLAuthMethod.Config": "its keys depend on the type of the method",
    **dict.fromkeys(
        (
            "AgentHost.CPU",
            "AgentHost.Disk",
            "AgentHost.Errors",
            "AgentHost.Host",
            "AgentHost.Memory",
        ),
        "the names are those of a library that Consul uses, and change with it",
    ),
    "CAConfig.Config": "its keys depend on the provider",
    "ConsulLicense.flags": "they depend on the product",
    **dict.fromkeys(
        (
            "DiscoveryGraphNode.LoadBalancer",
            "DiscoveryGraphNode.Resolver",
            "DiscoveryGraphNode.Routes",
            "DiscoveryGraphNode.Splits",
        ),
        STEPS,
    ),
    **dict.fromkeys(
        (
            "GatewayEntry.Listeners",
            "GatewayEntry.Parents",
            "GatewayEntry.Rules",
            "GatewayEntry.Services",
            "GatewayEntry.Status",
            "IngressGateway.Defaults",
            "IngressGateway.Listeners",
            "IngressGateway.TLS",
            "IntentionPermission.JWT",
            "JWTProvider.CacheConfig",
            "JWTProvider.Forwarding",
            "JWTProvider.JSONWebKeySet",
            "JWTProvider.Locations",
            "Mesh.HTTP",
            "Mesh.Peering",
            "Mesh.TLS",
            "Mesh.TransparentProxy",
            "ProxyDefaults.AccessLogs",
            "ProxyDefaults.FailoverPolicy",
            "ProxyDefaults.PrioritizeByLocality",
            "ServiceDefaults.Destination",
            "ServiceDefaults.RateLimits",
            "ServiceDefaults.UpstreamConfig",
            "ServiceIntentions.JWT",
            "ServiceResolver.Failover",
            "ServiceResolver.LoadBalancer",
            "ServiceResolver.PrioritizeByLocality",
            "ServiceResolver.Redirect",
            "ServiceRouter.Routes",
            "ServiceSplit.RequestHeaders",
            "ServiceSplit.ResponseHeaders",
        ),
        PARTS,
    ),
    "ProxyDefaults.Config": "for the proxy; Consul does not look at it",
    "agent.metrics_certificates": "no server at hand has it",
    "AgentSelf.DebugConfig": "not stable between versions of Consul",
    "AgentServiceConnectProxyConfig.Config": "for the proxy; Consul does not look at it",
    "EnvoyExtension.Arguments": "its keys depend on the extension",
    "Upstream.Config": "for the proxy; Consul does not look at it",
}

MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(consul.api.__path__, "consul.api.")
]


@pytest.mark.parametrize("name", consul.types.__all__)
def test_every_annotation_can_be_evaluated(name):
    kind = getattr(consul.types, name)
    assert typing.is_typeddict(kind)
    assert typing.get_type_hints(kind, localns=vars(typing))


def test_all_structures_of_answers_are_there():
    found = {
        name
        for module in MODULES
        for name, kind in vars(module).items()
        if typing.is_typeddict(kind)
        and not name.startswith("_")
        and kind.__module__ != options.__name__
    }
    assert found <= set(consul.types.__all__)


def test_all_groups_of_keywords_are_there():
    groups = set()
    for module in MODULES:
        for kind in vars(module).values():
            if isinstance(kind, type):
                for method in vars(kind).values():
                    if hasattr(method, "route") and "options" in method.__annotations__:
                        annotation = method.__annotations__["options"]
                        groups.add(re.fullmatch(r"Unpack\[(\w+)\]", annotation)[1])
    assert len(groups) > 10
    assert groups <= set(consul.types.__all__)


def opaque(kind, where, seen):
    """Where *kind*, or a structure within it, says nothing of what there is."""
    if kind in (typing.Any, object, dict, list) or isinstance(kind, typing.TypeVar):
        yield where
    elif typing.is_typeddict(kind):
        if kind not in seen:
            seen.add(kind)
            for name, (hint, _) in keys_of(kind).items():
                yield from opaque(hint, f"{kind.__name__}.{name}", seen)
    else:
        # Of a literal, the values.
        inner = () if typing.get_origin(kind) is typing.Literal else typing.get_args(kind)
        for each in inner:
            yield from opaque(each, where, seen)


def test_what_has_a_structure_has_it_in_the_types():
    seen = set()
    found = {
        place for name, method in METHODS.items() for place in opaque(answer_of(method), name, seen)
    }
    assert found == set(OPAQUE)
    # Many structures are reached, those within others too.
    assert {"Upstream", "HealthCheckDefinition", "QueryFailoverTarget"} <= {
        kind.__name__ for kind in seen
    }


def test_opaque_types_are_found():
    class Inner(typing.TypedDict):
        a: str
        b: dict[str, typing.Any] | None

    class Outer(typing.TypedDict, total=False):
        inner: list[Inner]
        c: list[object]
        d: typing.Literal["x"]

    globals().update(Inner=Inner)
    try:
        found = list(opaque(dict[str, Outer], "m", set()))
    finally:
        del globals()["Inner"]
    assert found == ["Inner.b", "Outer.c"]
    assert list(opaque(dict[str, typing.Any], "m", set())) == ["m"]
    assert list(opaque(dict[str, int] | None, "m", set())) == []
