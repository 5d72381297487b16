"""Where the agent is: argument, then environment, then default, for each field on its own."""

from __future__ import annotations

import pytest

from consul import config
from consul.config import TLS, resolve
from consul.request import Limits

TOKEN = "7f0c6a2e-secret"


def address(environ, **arguments):
    found = resolve(environ=environ, **arguments)
    return found.scheme, found.host, found.port, found.prefix


def test_defaults():
    assert resolve(environ={}) == ("127.0.0.1", 8500, "http", "", None, TLS(True, None), Limits())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ("http", "127.0.0.1", 8500, "")),
        ("  ", ("http", "127.0.0.1", 8500, "")),
        ("h", ("http", "h", 8500, "")),
        ("h:1", ("http", "h", 1, "")),
        ("http://h", ("http", "h", 8500, "")),
        ("https://h:1", ("https", "h", 1, "")),
        ("https://h:1/", ("https", "h", 1, "")),
        ("h:1/a/b/", ("http", "h", 1, "/a/b")),
        ("h:1/a:b", ("http", "h", 1, "/a%3Ab")),
        ("::1", ("http", "::1", 8500, "")),
        ("[::1]", ("http", "::1", 8500, "")),
        ("http://[::1]:1/p", ("http", "::1", 1, "/p")),
        ("http://::1/p", ("http", "::1", 8500, "/p")),
    ],
)
def test_address_forms(value, expected):
    assert address({"CONSUL_HTTP_ADDR": value}) == expected


@pytest.mark.parametrize(
    "value",
    [
        "unix:///x",
        "ftp://h",
        "h:x",
        "h:0",
        "h:65536",
        ":8500",
        "u@h",
        "u:p@h:x",
        "h?q",
        "h#f",
        "a:b:c",
        "[::1",
    ],
)
def test_addresses_that_make_no_sense_name_the_variable(value):
    with pytest.raises(ValueError, match=r"CONSUL_HTTP_ADDR"):
        resolve(environ={"CONSUL_HTTP_ADDR": value})


def test_arguments_win_over_the_environment():
    environ = {
        "CONSUL_HTTP_ADDR": "https://env:1/prefix",
        "CONSUL_HTTP_TOKEN": "env",
        "CONSUL_HTTP_SSL": "1",
        "CONSUL_HTTP_SSL_VERIFY": "0",
        "CONSUL_CLIENT_CERT": "c",
        "CONSUL_CLIENT_KEY": "k",
    }
    found = resolve("arg", 2, "arg", "http", True, ("a", "b"), 5, environ)
    assert found == ("arg", 2, "http", "", "arg", TLS(True, ("a", "b")), Limits(5, 5))
    found = resolve(environ=environ)
    assert found[:5] == ("env", 1, "https", "/prefix", "env")
    assert found.tls == TLS(False, ("c", "k"))


def test_the_port_of_another_host_does_not_count():
    environ = {"CONSUL_HTTP_ADDR": "env:1/p"}
    assert address(environ, host="arg") == ("http", "arg", 8500, "")
    assert address(environ, port="2") == ("http", "env", 2, "/p")


@pytest.mark.parametrize("value", ["1", "t", "T", "true", "TRUE", "True"])
def test_true_as_in_go(value):
    environ = {"CONSUL_HTTP_SSL": value, "CONSUL_HTTP_SSL_VERIFY": value}
    assert (resolve(environ=environ).scheme, resolve(environ=environ).tls.verify) == ("https", True)


@pytest.mark.parametrize("value", ["0", "f", "F", "false", "FALSE", "False"])
def test_false_as_in_go(value):
    environ = {"CONSUL_HTTP_SSL": value, "CONSUL_HTTP_SSL_VERIFY": value}
    assert (resolve(environ=environ).scheme, resolve(environ=environ).tls.verify) == ("http", False)


@pytest.mark.parametrize("name", ["CONSUL_HTTP_SSL", "CONSUL_HTTP_SSL_VERIFY"])
@pytest.mark.parametrize("value", ["yes", "no", "tRUE", "2", " 1"])
def test_another_boolean_names_the_variable(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be true or false"):
        resolve(environ={name: value})


@pytest.mark.parametrize(
    ("environ", "verify"),
    [
        ({"CONSUL_CACERT": "f"}, "f"),
        ({"CONSUL_CAPATH": "d"}, "d"),
        ({"CONSUL_CACERT": "f", "CONSUL_CAPATH": "d"}, "f"),
        ({"CONSUL_CACERT": "f", "CONSUL_HTTP_SSL_VERIFY": "false"}, False),
        ({"CONSUL_HTTP_SSL_VERIFY": ""}, True),
    ],
)
def test_authorities(environ, verify):
    assert resolve(environ=environ).tls.verify == verify


@pytest.mark.parametrize("name", ["CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY"])
def test_half_a_client_certificate(name):
    with pytest.raises(ValueError, match=r"CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY"):
        resolve(environ={name: "x"})


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"host": 1}, TypeError),
        ({"host": ""}, ValueError),
        ({"host": "http://h"}, ValueError),
        ({"port": "x"}, ValueError),
        ({"port": 0}, ValueError),
        ({"port": 65536}, ValueError),
        ({"port": True}, TypeError),
        ({"port": 1.5}, TypeError),
        ({"scheme": "ftp"}, ValueError),
        ({"verify": ""}, ValueError),
        ({"verify": 1}, TypeError),
        ({"cert": ("a",)}, ValueError),
        ({"cert": 5}, TypeError),
        ({"timeout": "5"}, TypeError),
    ],
)
def test_bad_arguments_are_named(arguments, kind):
    with pytest.raises(kind, match=rf"^{next(iter(arguments))} must "):
        resolve(environ={}, **arguments)


# The token


def test_token_file_before_token(tmp_path):
    file = tmp_path / "token"
    file.write_text(f" {TOKEN}\n")
    environ = {"CONSUL_HTTP_TOKEN_FILE": str(file), "CONSUL_HTTP_TOKEN": "other"}
    assert resolve(environ=environ).token == TOKEN
    assert resolve(token="arg", environ=environ).token == "arg"
    assert resolve(token="", environ=environ).token is None
    file.write_text("\n")
    assert resolve(environ=environ).token == "other"


@pytest.mark.parametrize(
    "content", [f"{TOKEN}\nx".encode(), TOKEN.encode() + b"\xff", f"{TOKEN}é".encode()]
)
def test_a_bad_token_file_is_named_and_not_shown(tmp_path, content):
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"CONSUL_HTTP_TOKEN_FILE") as caught:
        resolve(environ={"CONSUL_HTTP_TOKEN_FILE": str(file)})
    assert TOKEN not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_token_file(tmp_path):
    with pytest.raises(ValueError, match=r"^CONSUL_HTTP_TOKEN_FILE cannot be read"):
        resolve(environ={"CONSUL_HTTP_TOKEN_FILE": str(tmp_path / "none")})


def test_a_bad_token_is_named_and_not_shown():
    with pytest.raises(ValueError, match=r"^CONSUL_HTTP_TOKEN has") as caught:
        resolve(environ={"CONSUL_HTTP_TOKEN": f"{TOKEN}\nx"})
    assert TOKEN not in repr(caught.value)
    with pytest.raises(ValueError, match=r"^token has") as caught:
        resolve(token=f"{TOKEN}\n", environ={})
    assert TOKEN not in repr(caught.value)


@pytest.mark.parametrize(
    ("host", "uri"),
    [("h", "http://h:1/p"), ("::1", "http://[::1]:1/p"), ("[::1]", "http://[::1]:1/p")],
)
def test_base_uri(host, uri):
    assert config.base_uri(host, 1, "http", "/p") == uri
