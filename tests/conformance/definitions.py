"""Definitions of services and checks as people write them into files, with what they need."""

from __future__ import annotations

from typing import Any

#: Each has the least version of Consul that takes it.
SERVICES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "plain": ((), {"service": {"name": "web", "port": 80}}),
    "CamelCase": ((), {"Service": {"Name": "web", "ID": "web-1", "Port": 80, "Tags": ["a"]}}),
    "bare": ((), {"name": "web", "id": "web-1", "address": "10.0.0.1", "port": 80}),
    "list": ((), {"services": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]}),
    "list in service": ((), {"service": [{"name": "a"}, {"name": "b"}]}),
    "meta and tags": (
        (),
        {"service": {"name": "web", "tags": ["v1", "x_y"], "meta": {"snake_case": "kept"}}},
    ),
    "weights": ((), {"service": {"name": "web", "weights": {"passing": 5, "warning": 2}}}),
    "tagged addresses": (
        (),
        {
            "service": {
                "name": "web",
                "tagged_addresses": {
                    "lan": {"address": "10.0.0.1", "port": 80},
                    "my_wan": {"address": "1.2.3.4", "port": 8080},
                },
            }
        },
    ),
    "override": ((), {"service": {"name": "web", "enable_tag_override": True}}),
    "http check": (
        (),
        {
            "service": {
                "name": "web",
                "check": {
                    "id": "api",
                    "name": "HTTP API",
                    "http": "http://localhost:5000/health",
                    "tls_skip_verify": True,
                    "method": "POST",
                    "header": {"x-foo_bar": ["a"]},
                    "body": "{}",
                    "interval": "10s",
                    "timeout": "1s",
                },
            }
        },
    ),
    "thresholds": (
        (),
        {
            "service": {
                "name": "web",
                "checks": [
                    {
                        "tcp": "localhost:80",
                        "interval": "10s",
                        "success_before_passing": 3,
                        "failures_before_critical": 3,
                        "deregister_critical_service_after": "90m",
                        "output_max_size": 1024,
                    }
                ],
            }
        },
    ),
    "ttl": ((), {"service": {"name": "web", "check": {"ttl": "30s", "status": "passing"}}}),
    "several checks": (
        (),
        {
            "service": {
                "name": "web",
                "checks": [
                    {"id": "a", "ttl": "30s"},
                    {"check_id": "b", "grpc": "127.0.0.1:12345", "interval": "10s"},
                ],
            }
        },
    ),
    "alias": (
        (),
        {"service": {"name": "web", "check": {"name": "alias", "alias_service": "other"}}},
    ),
    "native": ((), {"service": {"name": "web", "port": 80, "connect": {"native": True}}}),
    "sidecar": ((), {"service": {"name": "web", "port": 80, "connect": {"sidecar_service": {}}}}),
    "sidecar with upstreams": (
        (),
        {
            "service": {
                "name": "web",
                "port": 80,
                "connect": {
                    "sidecar_service": {
                        "port": 20000,
                        "proxy": {
                            "local_service_address": "127.0.0.1",
                            "upstreams": [
                                {
                                    "destination_type": "service",
                                    "destination_name": "db",
                                    "local_bind_port": 9191,
                                    "config": {"connect_timeout_ms": 1000},
                                    "mesh_gateway": {"mode": "local"},
                                }
                            ],
                            "expose": {
                                "checks": True,
                                "paths": [
                                    {
                                        "path": "/health",
                                        "local_path_port": 8080,
                                        "listener_port": 21500,
                                        "protocol": "http",
                                    }
                                ],
                            },
                        },
                    }
                },
            }
        },
    ),
    "proxy": (
        (),
        {
            "service": {
                "name": "web-proxy",
                "kind": "connect-proxy",
                "port": 20000,
                "proxy": {
                    "destination_service_name": "web",
                    "destination_service_id": "web-1",
                    "local_service_port": 9090,
                    "config": {"some_key": {"inner_key": 1}},
                },
            }
        },
    ),
    "mesh gateway": (
        (),
        {
            "service": {
                "kind": "mesh-gateway",
                "name": "mesh-gateway",
                "port": 8443,
                "proxy": {"config": {"envoy_mesh_gateway_no_default_bind": True}},
            }
        },
    ),
    "terminating gateway": (
        (),
        {"service": {"kind": "terminating-gateway", "name": "tg", "port": 8443}},
    ),
    "ingress gateway": ((), {"service": {"kind": "ingress-gateway", "name": "ig", "port": 8888}}),
    "null": ((), {"service": {"name": "web", "port": None, "meta": None}}),
    "socket": ((1, 10), {"service": {"name": "web", "socket_path": "/tmp/web.sock"}}),
    "h2ping": (
        (1, 10),
        {"service": {"name": "web", "check": {"h2ping": "localhost:22222", "interval": "10s"}}},
    ),
    "udp": (
        (1, 13),
        {"service": {"name": "web", "check": {"udp": "localhost:53", "interval": "10s"}}},
    ),
    "transparent proxy": (
        (1, 10),
        {
            "service": {
                "name": "p",
                "kind": "connect-proxy",
                "port": 20000,
                "proxy": {
                    "destination_service_name": "web",
                    "mode": "transparent",
                    "transparent_proxy": {"outbound_listener_port": 22500},
                },
            }
        },
    ),
    "extensions": (
        (1, 15),
        {
            "service": {
                "name": "p",
                "kind": "connect-proxy",
                "port": 20000,
                "proxy": {
                    "destination_service_name": "web",
                    "envoy_extensions": [
                        {
                            "name": "builtin/lua",
                            "arguments": {
                                "ProxyType": "connect-proxy",
                                "Listener": "inbound",
                                "Script": "function envoy_on_request(h) end",
                            },
                        }
                    ],
                },
            }
        },
    ),
    "locality": (
        (1, 17),
        {"service": {"name": "web", "locality": {"region": "r", "zone": "z"}}},
    ),
    "ports": (
        (1, 22),
        {"service": {"name": "web", "ports": [{"name": "http", "port": 80, "default": True}]}},
    ),
}

CHECKS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "plain": ((), {"check": {"id": "mem", "name": "Memory", "ttl": "30s", "notes": "n"}}),
    "CamelCase": ((), {"Check": {"CheckID": "mem", "Name": "Memory", "TTL": "30s"}}),
    "list": (
        (),
        {
            "checks": [
                {"id": "a", "name": "A", "http": "http://localhost/", "interval": "30s"},
                {"name": "B", "tcp": "localhost:22", "interval": "30s", "timeout": "1s"},
            ]
        },
    ),
    "tls": (
        (1, 9),
        {
            "check": {
                "name": "T",
                "http": "https://localhost/",
                "tls_server_name": "a.local",
                "interval": "30s",
            }
        },
    ),
    "redirects": (
        (1, 12),
        {
            "check": {
                "name": "R",
                "http": "http://localhost/",
                "disable_redirects": True,
                "interval": "30s",
            }
        },
    ),
}
