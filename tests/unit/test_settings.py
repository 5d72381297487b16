"""Where the agent is and how to reach it: argument, then environment, then default, each alone."""

from __future__ import annotations

from base64 import b64encode
from ipaddress import IPv4Address

import pytest

from consul.core.address import Address
from consul.core.limits import Limits
from consul.core.request import SHORTEST_SECRET
from consul.core.retry import Retry
from consul.core.settings import Options, Settings, resolve
from consul.core.tls import TLS
from consul.version import __version__

TOKEN = "7f0c6a2e-secret"
SECRET = "s3cret"
REMOTE = "consul.example"


@pytest.fixture(autouse=True)
def _no_netrc(monkeypatch, tmp_path):
    """No passwords of the developer's own."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))


def address(environ, **arguments):
    found = resolve(environ=environ, **arguments).address
    return found.scheme, found.host, found.port, found.prefix


def with_options(environ=None, host=None, **options):
    return resolve(host, options=options, environ=environ or {})


def test_defaults():
    found = resolve(environ={})
    headers = (
        ("User-Agent", f"python-consul/{__version__}"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
    )
    assert found._replace(retry=None) == Settings(Address(), headers=headers)
    assert found.address == ("127.0.0.1", 8500, "http", "", None)
    assert (found.tls, found.limits) == (TLS(True, None, None), Limits(10, 60, 10))
    assert repr(found.retry) == repr(Retry())


# The address

PLAIN = [
    ("h", ("http", "h", 8500, "")),
    ("h:1", ("http", "h", 1, "")),
    ("10.0.0.1:1", ("http", "10.0.0.1", 1, "")),
    ("http://h", ("http", "h", 8500, "")),
    ("https://h:1", ("https", "h", 1, "")),
    ("https://h:1/", ("https", "h", 1, "")),
    ("h:1/a/b/", ("http", "h", 1, "/a/b")),
    ("h:1/a:b", ("http", "h", 1, "/a%3Ab")),
    ("::1", ("http", "::1", 8500, "")),
    ("[::1]", ("http", "::1", 8500, "")),
    ("[::1]:1", ("http", "::1", 1, "")),
    ("http://[::1]:1/p", ("http", "::1", 1, "/p")),
    ("http://::1/p", ("http", "::1", 8500, "/p")),
    ("https://[2001:db8::1]", ("https", "2001:db8::1", 8500, "")),
    # As Consul's tools read it.
    (":8500", ("http", "127.0.0.1", 8500, "")),
    ("http://:8500", ("http", "127.0.0.1", 8500, "")),
    ("unix:///run/x.sock", ("http", "localhost", 80, "")),
]


@pytest.mark.parametrize(("value", "expected"), PLAIN)
def test_address_forms(value, expected):
    assert address({"CONSUL_HTTP_ADDR": value}) == expected
    assert address({}, host=value) == expected
    assert address({"CONSUL_HTTP_ADDR": "other:2/p"}, host=value) == expected
    socket = "/run/x.sock" if value.startswith("unix") else None
    assert resolve(value, environ={}).address.socket == socket


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_address_counts_as_absent_in_the_environment_only(value):
    assert resolve(environ={"CONSUL_HTTP_ADDR": value}).address == Address()
    with pytest.raises(ValueError, match=r"^host must be"):
        resolve(value, environ={})


BAD = ["ftp://h", "h:x", "h:0", "h:65536", ":x", "u@h", "u:p@h:x", "h?q", "h#f", "a:b:c", "[::1",
       "unix://x"]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
def test_addresses_that_make_no_sense_name_variable_or_argument(value):
    with pytest.raises(ValueError, match=r"CONSUL_HTTP_ADDR"):
        resolve(environ={"CONSUL_HTTP_ADDR": value})
    with pytest.raises(ValueError, match=r"\bhost\b"):
        resolve(value, environ={})
    # Also where an argument changes a part of it, but not where a host stands in its place.
    for arguments in ({"port": 1}, {"scheme": "http"}):
        with pytest.raises(ValueError, match=r"CONSUL_HTTP_ADDR"):
            resolve(environ={"CONSUL_HTTP_ADDR": value}, **arguments)
    assert address({"CONSUL_HTTP_ADDR": value}, host="h")[1] == "h"


@pytest.mark.parametrize(
    "arguments",
    [
        {"host": "h:1", "port": 1},
        {"host": "h:1", "port": "1"},
        {"host": "http://h:1", "scheme": "http"},
        {"host": "https://h:1/p", "port": 1, "scheme": "https"},
        {"host": "unix:///x", "scheme": "http"},
    ],
)
def test_what_host_says_may_be_said_again(arguments):
    assert address({}, **arguments) == address({}, host=arguments["host"])


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"host": "h:1", "port": 2}, "port"),
        ({"host": "[::1]:1", "port": "2"}, "port"),
        ({"host": "http://h", "scheme": "https"}, "scheme"),
        ({"host": "https://h", "scheme": "http"}, "scheme"),
        ({"host": "unix:///x", "scheme": "https"}, "scheme"),
    ],
)
def test_what_contradicts_host_is_named(arguments, name):
    value = arguments[name]
    with pytest.raises(ValueError, match=rf"^{name} is '?{value}'?, but host says"):
        resolve(environ={}, **arguments)


def test_a_socket_speaks_no_tls():
    environ = {"CONSUL_HTTP_ADDR": "unix:///x"}
    with pytest.raises(ValueError, match=r"^scheme must not be 'https'"):
        resolve(scheme="https", environ=environ)
    found = resolve(environ={**environ, "CONSUL_HTTP_SSL": "1"}).address
    assert (found.scheme, found.socket) == ("http", "/x")
    assert resolve("h", environ=environ).address == Address("h")


def test_arguments_win_over_the_environment():
    environ = {
        "CONSUL_HTTP_ADDR": "https://env:1/prefix",
        "CONSUL_HTTP_TOKEN": "env",
        "CONSUL_HTTP_AUTH": "env:env-password",
        "CONSUL_HTTP_SSL": "1",
        "CONSUL_HTTP_SSL_VERIFY": "0",
        "CONSUL_CLIENT_CERT": "c",
        "CONSUL_CLIENT_KEY": "k",
        "CONSUL_TLS_SERVER_NAME": "env",
        "CONSUL_NAMESPACE": "env",
        "CONSUL_PARTITION": "env",
    }
    options = {"server_name": "arg", "ns": "arg", "partition": "arg", "auth": "arg:arg-password"}
    found = resolve(
        "arg", 2, "arg", "http", verify=True, cert=("a", "b"), options=options, environ=environ
    )
    assert found.address == Address("arg", 2, "http")
    assert found.tls == TLS(True, ("a", "b"), "arg")
    assert (found.token, found.ns, found.partition) == ("arg", "arg", "arg")
    assert "arg-password" in found.secrets
    found = resolve(environ=environ)
    assert found.address == Address("env", 1, "https", "/prefix")
    assert found.tls == TLS(False, ("c", "k"), "env")
    assert (found.token, found.ns, found.partition) == ("env", "env", "env")
    assert "env-password" in found.secrets


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"host": "arg"}, ("http", "arg", 8500, "")),
        ({"host": "http://arg"}, ("http", "arg", 8500, "")),
        ({"host": "arg/q"}, ("http", "arg", 8500, "/q")),
        ({"host": ":2"}, ("http", "127.0.0.1", 2, "")),
        ({"host": b"arg"}, ("http", "arg", 8500, "")),
        ({"host": IPv4Address("10.0.0.1")}, ("http", "10.0.0.1", 8500, "")),
        ({"host": "arg", "port": 2}, ("http", "arg", 2, "")),
        ({"host": "arg", "scheme": "https"}, ("https", "arg", 8500, "")),
        ({"port": "2"}, ("https", "env", 2, "/p")),
        ({"scheme": "http"}, ("http", "env", 1, "/p")),
    ],
)
def test_a_host_is_another_agent_while_port_and_scheme_change_a_part(arguments, expected):
    assert address({"CONSUL_HTTP_ADDR": "https://env:1/p"}, **arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "scheme"),
    [({}, "https"), ({"host": "h"}, "https"), ({"host": "http://h"}, "http"),
     ({"scheme": "http"}, "http")],
)  # fmt: skip
def test_ssl_in_the_environment_against_the_scheme(arguments, scheme):
    environ = {"CONSUL_HTTP_ADDR": "http://env", "CONSUL_HTTP_SSL": "true"}
    assert address(environ, **arguments)[0] == scheme


# Variables


@pytest.mark.parametrize("value", ["1", "t", "T", "true", "TRUE", "True"])
def test_true_as_in_go(value):
    found = resolve(environ={"CONSUL_HTTP_SSL": value, "CONSUL_HTTP_SSL_VERIFY": value})
    assert (found.address.scheme, found.tls.verify) == ("https", True)


@pytest.mark.parametrize("value", ["0", "f", "F", "false", "FALSE", "False"])
def test_false_as_in_go(value):
    found = resolve(environ={"CONSUL_HTTP_SSL": value, "CONSUL_HTTP_SSL_VERIFY": value})
    assert (found.address.scheme, found.tls.verify) == ("http", False)


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
    assert resolve(verify="mine", environ=environ).tls.verify == "mine"


@pytest.mark.parametrize("name", ["CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY"])
def test_half_a_client_certificate(name):
    with pytest.raises(ValueError, match=r"CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY"):
        resolve(environ={name: "x"})


def test_a_context_says_everything_but_the_name():
    import ssl

    context = ssl.create_default_context()
    environ = {"CONSUL_CLIENT_CERT": "c", "CONSUL_CLIENT_KEY": "k", "CONSUL_TLS_SERVER_NAME": "n"}
    assert resolve(verify=context, environ=environ).tls == TLS(context, None, "n")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", None),
        ("server.dc1.consul", "server.dc1.consul"),
        ("server.dc1.consul:8501", "server.dc1.consul"),
        ("[::1]:8501", "::1"),
        ("::1", "::1"),
    ],
)
def test_the_servers_name_without_its_port(value, expected):
    assert resolve(environ={"CONSUL_TLS_SERVER_NAME": value}).tls.server_name == expected


def test_a_servers_name_that_makes_no_sense_names_the_variable():
    with pytest.raises(ValueError, match=r"CONSUL_TLS_SERVER_NAME"):
        resolve(environ={"CONSUL_TLS_SERVER_NAME": "h:x"})


@pytest.mark.parametrize(
    ("name", "variable"), [("ns", "CONSUL_NAMESPACE"), ("partition", "CONSUL_PARTITION")]
)
def test_names_of_the_enterprise(name, variable):
    def found(environ, **options):
        return getattr(with_options(environ, **options), name)

    assert found({}) is None
    assert found({variable: ""}) is None
    assert found({variable: "env"}) == "env"
    assert found({variable: "env"}, **{name: "arg"}) == "arg"
    assert found({variable: "env"}, **{name: ""}) is None


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


# The password


def basic(text):
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("user", "user:"),
        ("user:", "user:"),
        ("user:a:b", "user:a:b"),
        (":password", ":password"),
        ("ü:é", "ü:é"),
        (("user", "a:b"), "user:a:b"),
        (["user", ""], "user:"),
    ],
)
def test_auth(auth, expected):
    found = with_options(auth=auth)
    assert dict(found.headers)["Authorization"] == basic(expected)
    password = expected.partition(":")[2]
    secrets = (basic(expected)[6:], password)
    assert found.secrets == tuple(one for one in secrets if len(one) >= SHORTEST_SECRET)
    if isinstance(auth, str):
        assert with_options({"CONSUL_HTTP_AUTH": auth}).headers == found.headers


def test_no_auth():
    for found in (
        with_options({"CONSUL_HTTP_AUTH": ""}),
        with_options({"CONSUL_HTTP_AUTH": "u:p"}, auth=""),
    ):
        assert "Authorization" not in dict(found.headers)
        assert found.secrets == ()


@pytest.mark.parametrize("auth", [f"u\n:{SECRET}", f"u:{SECRET}\0", (f"{SECRET}:u", "p")])
def test_a_bad_auth_is_named_and_not_shown(auth):
    with pytest.raises(ValueError, match=r"^auth has characters") as caught:
        with_options(auth=auth)
    assert SECRET not in repr(caught.value)
    if isinstance(auth, str):
        with pytest.raises(ValueError, match=r"^CONSUL_HTTP_AUTH has characters") as caught:
            with_options({"CONSUL_HTTP_AUTH": auth})
        assert SECRET not in repr(caught.value)


@pytest.mark.parametrize(
    "auth", [5, SECRET.encode(), (SECRET,), (SECRET,) * 3, (SECRET, None), {SECRET: 1}]
)
def test_an_auth_of_another_type_is_not_shown(auth):
    with pytest.raises(TypeError, match=r"^auth must be") as caught:
        with_options(auth=auth)
    assert SECRET not in repr(caught.value)


# Headers


@pytest.mark.parametrize(
    ("host", "compress", "expected"),
    [
        (None, None, "identity"),
        ("::1", None, "identity"),
        ("127.9.9.9", None, "identity"),
        ("unix:///x", None, "identity"),
        (REMOTE, None, "gzip"),
        ("127.0.0.1.example", None, "gzip"),
        (None, True, "gzip"),
        (REMOTE, False, "identity"),
    ],
)
def test_compression_is_for_other_machines(host, compress, expected):
    found = with_options(host=host, compress=compress)
    assert dict(found.headers)["Accept-Encoding"] == expected


def test_headers_replace_ours_whatever_their_case():
    found = with_options(
        auth="u:p",
        headers={"USER-AGENT": "mine", "x-more": "1", "authorization": "Bearer x", "X-MORE": "2"},
    )
    assert found.headers == (
        ("User-Agent", "mine"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("Authorization", "Bearer x"),
        ("x-more", "2"),
    )


@pytest.mark.parametrize("headers", [None, {}])
def test_no_headers_of_ones_own(headers):
    assert with_options(headers=headers).headers == with_options().headers


# Options


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"host": 1}, TypeError),
        ({"host": ""}, ValueError),
        ({"port": "x"}, ValueError),
        ({"port": 0}, ValueError),
        ({"port": 65536}, ValueError),
        ({"port": True}, TypeError),
        ({"port": 1.5}, TypeError),
        ({"token": 5}, TypeError),
        ({"scheme": "ftp"}, ValueError),
        ({"scheme": ""}, ValueError),
        ({"verify": ""}, ValueError),
        ({"verify": 1}, TypeError),
        ({"cert": ("a",)}, ValueError),
        ({"cert": 5}, TypeError),
    ],
)
def test_bad_arguments_are_named(arguments, kind):
    with pytest.raises(kind, match=rf"^{next(iter(arguments))} must "):
        resolve(environ={}, **arguments)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("timeout", "5", TypeError),
        ("timeout", 0, ValueError),
        ("timeout", (1, 2, 3), ValueError),
        ("retry", 5, TypeError),
        ("retry", Retry, TypeError),
        ("server_name", 5, TypeError),
        ("server_name", "", TypeError),
        ("auth", 5, TypeError),
        ("ns", 5, TypeError),
        ("partition", b"p", TypeError),
        ("headers", {"a\n": "x"}, ValueError),
        ("headers", {"a:": "x"}, ValueError),
        ("headers", {"é": "x"}, ValueError),
        ("headers", {5: "x"}, TypeError),
        ("headers", {"a": "x\n"}, ValueError),
        ("headers", {"a": 5}, TypeError),
        ("headers", {"a": None}, TypeError),
        ("headers", {"": "x"}, ValueError),
        ("headers", {"a b": "x"}, ValueError),
        ("headers", [("a", "x")], TypeError),
        ("headers", 5, TypeError),
        ("proxy", 5, TypeError),
        ("proxy", "p:1", ValueError),
        ("trust_env", "yes", TypeError),
        ("trust_env", 1, TypeError),
        ("compress", 0, TypeError),
        ("max_polls", 0, ValueError),
        ("max_polls", -1, ValueError),
        ("max_polls", True, TypeError),
        ("max_polls", 1.0, TypeError),
        ("workers", 0, ValueError),
        ("workers", -1, ValueError),
        ("workers", True, TypeError),
        ("workers", "5", TypeError),
        ("on_request", 5, TypeError),
        ("on_request", [print, None], TypeError),
        ("on_response", "hook", TypeError),
    ],
)
def test_bad_options_are_named(name, value, kind):
    with pytest.raises(kind, match=rf"^{name}\b"):
        with_options(**{name: value})


def test_the_table_of_bad_options_is_complete():
    marks = test_bad_options_are_named.pytestmark[0].args[1]
    named = {getattr(row, "values", row)[0] for row in marks}
    # A session is whatever the flavour's library has, and a loop is ignored.
    assert named == set(Options.__annotations__) - {"session", "loop"}


def test_unknown_options_are_named():
    with pytest.raises(TypeError, match=r"^unexpected keyword argument tiemout, zone$"):
        with_options(zone=1, tiemout=5)


@pytest.mark.parametrize("name", ["server_name", "auth", "ns", "partition", "headers", "proxy",
                                  "trust_env", "compress", "max_polls", "workers", "session",
                                  "on_request", "on_response"])  # fmt: skip
def test_none_is_the_default(name):
    assert with_options(**{name: None})._replace(retry=None) == with_options()._replace(retry=None)


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [(5, Limits(5, 5, 5)), ((1, 2), Limits(1, 2, 2)), (None, Limits(None, None, 10))],
)
def test_timeout(timeout, expected):
    assert with_options(timeout=timeout).limits == expected


def test_retry():
    policy = Retry(3)
    assert with_options(retry=policy).retry is policy
    assert repr(with_options(retry=True).retry) == repr(Retry())
    assert with_options(retry=False).retry is with_options(retry=None).retry is None


def test_hooks():
    assert with_options(on_request=print).on_request == (print,)
    found = with_options(on_request=[print, repr], on_response=(len,))
    assert (found.on_request, found.on_response) == ((print, repr), (len,))


def test_max_polls():
    assert with_options(max_polls=3).max_polls == 3


def test_workers():
    assert (with_options().workers, with_options(workers=3).workers) == (16, 3)


@pytest.mark.parametrize("consistency", ["consistent", "stale", "default", None])
def test_consistency_and_dc(consistency):
    found = resolve(consistency=consistency, dc="d", environ={})
    assert (found.consistency, found.dc) == (consistency or "default", "d")


@pytest.mark.parametrize("consistency", ["best", "", "Stale", 1])
def test_a_consistency_that_does_not_exist(consistency):
    with pytest.raises(ValueError, match=r"^consistency must be one of"):
        resolve(consistency=consistency, environ={})


def test_settings_are_replaced_as_a_whole():
    found = resolve("h", token="t", environ={})
    with pytest.raises(AttributeError):
        found.token = "u"
    assert found._replace(token="u").address is found.address


# A session


@pytest.mark.parametrize(
    ("name", "value"),
    [("server_name", "n"), ("proxy", "http://p:1"), ("trust_env", True), ("trust_env", False),
     ("max_polls", 1)],
)  # fmt: skip
def test_what_a_session_decides_cannot_be_given(name, value):
    with pytest.raises(ValueError, match=rf"^{name} cannot be given beside session"):
        with_options(session=object(), **{name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("verify", True), ("verify", False), ("verify", "f"), ("cert", "f")]
)
def test_what_a_session_decides_of_tls_cannot_be_given(name, value):
    with pytest.raises(ValueError, match=rf"^{name} cannot be given beside session"):
        resolve(options={"session": object()}, environ={}, **{name: value})


def test_beside_a_session_all_else_can_be_given():
    session = object()
    found = with_options(
        {"CONSUL_HTTP_SSL_VERIFY": "nonsense", "CONSUL_CLIENT_CERT": "c", "CONSUL_HTTP_TOKEN": "t"},
        session=session,
        timeout=5,
        auth="u:p",
        ns="n",
        headers={"a": "b"},
        compress=True,
        on_request=print,
    )
    assert found.session is session
    assert (found.tls, found.token, found.ns) == (TLS(), "t", "n")
    assert {"Authorization", "a"} <= set(dict(found.headers))


# Secrets


def test_settings_show_the_address_alone():
    found = resolve(
        REMOTE,
        token=TOKEN,
        cert=("c", "k", SECRET),
        options={
            "auth": f"u:{SECRET}",
            "proxy": f"http://u:{SECRET}@p:1",
            "headers": {"Authorization": SECRET},
        },
        environ={},
    )
    assert repr(found) == f"<Settings of a client of http://{REMOTE}:8500>"
    assert str(found) == repr(found)
    assert repr(resolve("unix:///x", environ={})) == "<Settings of a client of unix:///x>"
