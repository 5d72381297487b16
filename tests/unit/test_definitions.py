"""Definition files of services and checks."""

from __future__ import annotations

import json

import pytest

from consul import definitions
from consul.base import Consul


def test_a_service_with_all_that_differs():
    (found,) = definitions.services(
        {
            "service": {
                "id": "web-1",
                "name": "web",
                "token": "secret-token",
                "enable_tag_override": True,
                "meta": {"snake_case": "kept", "a": "b"},
                "check": {"id": "c", "tls_skip_verify": True, "ttl": "10s", "h2ping_use_tls": True},
                "checks": [{"check_id": "d", "docker_container_id": "x", "os_service": "y"}],
                "tagged_addresses": {"my_wan": {"address": "a", "port": 1}},
                "proxy": {"config": {"local_connect_timeout_ms": 1}, "destination_service_id": "i"},
            }
        }
    )
    assert found["name"] == "web"
    assert found["token"] == "secret-token"
    assert found["extra"] == {
        "ID": "web-1",
        "EnableTagOverride": True,
        "Meta": {"snake_case": "kept", "a": "b"},
        "Check": {"CheckID": "c", "TLSSkipVerify": True, "TTL": "10s", "H2PingUseTLS": True},
        "Checks": [{"CheckID": "d", "DockerContainerID": "x", "OSService": "y"}],
        "TaggedAddresses": {"my_wan": {"Address": "a", "Port": 1}},
        "Proxy": {"Config": {"local_connect_timeout_ms": 1}, "DestinationServiceID": "i"},
    }
    request = Consul().agent.service.register(**found).request
    assert ("X-Consul-Token", "secret-token") in request.headers
    assert b"secret-token" not in request.body


@pytest.mark.parametrize("form", [json.dumps, lambda one: json.dumps(one).encode(), dict])
def test_forms(form):
    made = form({"services": [{"name": "a"}, {"Name": "b"}]})
    assert [each["name"] for each in definitions.services(made)] == ["a", "b"]
    assert definitions.checks(made) == []


def test_a_check():
    (found,) = definitions.checks(
        {"check": {"id": "mem", "name": "Memory", "ttl": "10s", "token": "t", "service_id": "s"}}
    )
    assert found == {
        "name": "Memory",
        "token": "t",
        "check": {"ID": "mem", "TTL": "10s", "ServiceID": "s"},
    }
    Consul().agent.check.register(**found)


def test_a_check_of_a_service_is_not_one_of_its_own():
    definition = {"service": {"name": "web", "check": {"ttl": "10s"}}}
    assert definitions.checks(definition) == []
    assert definitions.services({"check": {"name": "c", "ttl": "10s"}}) == []


@pytest.mark.parametrize(
    ("definition", "kind", "text"),
    [
        ("{", ValueError, "definition is not JSON"),
        ("[]", TypeError, "definition must be a mapping, not list"),
        (5, TypeError, "definition must be a mapping, not int"),
        ({"service": {"port": 80}}, ValueError, "service has no name"),
        ({"service": "web"}, TypeError, "service must be a mapping, not str"),
        ({"service": {"name": "a", "Name": "b"}}, ValueError, "definition has Name twice"),
    ],
)
def test_what_is_no_definition(definition, kind, text):
    with pytest.raises(kind, match=text):
        definitions.services(definition)


def test_a_check_without_a_name():
    with pytest.raises(ValueError, match="check has no name"):
        definitions.checks({"check": {"ttl": "10s"}})


def test_the_definition_stays_as_it_is():
    definition = {"service": {"name": "web", "check": {"id": "a", "ttl": "10s"}, "token": "t"}}
    before = json.dumps(definition)
    definitions.services(definition)
    assert json.dumps(definition) == before
