"""What the environment says of proxies and passwords, and when it counts."""

from __future__ import annotations

import os

import pytest

from consul.core import proxy
from consul.core.address import Address
from consul.core.settings import resolve

REMOTE = Address("consul.example")
SECURE = Address("consul.example", 8501, "https")
SECRET = "s3cret-word"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch, tmp_path):
    """No proxy and no netrc of the developer's own."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("NETRC", "REQUEST_METHOD"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))


@pytest.fixture
def say(monkeypatch):
    """Set variables; the answer is the whole environment."""

    def say(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return os.environ

    return say


@pytest.mark.parametrize(
    ("address", "trust_env", "expected"),
    [
        (REMOTE, None, True),
        (REMOTE, True, True),
        (REMOTE, False, False),
        (Address(), None, False),
        (Address("::1"), None, False),
        (Address("localhost"), True, True),
        (Address("localhost"), False, False),
        (Address("localhost", socket="/x"), None, False),
        (Address("localhost", socket="/x"), True, False),
    ],
)
def test_when_the_environment_counts(address, trust_env, expected):
    assert bool(proxy.environment_counts(address, trust_env)) is expected


@pytest.mark.parametrize(
    ("variables", "plain", "secure"),
    [
        ({}, None, None),
        ({"http_proxy": "http://p:1"}, "http://p:1", None),
        ({"HTTPS_PROXY": "http://p:1"}, None, "http://p:1"),
        ({"all_proxy": "http://p:1"}, "http://p:1", "http://p:1"),
        ({"all_proxy": "http://a:1", "http_proxy": "https://p:1"}, "https://p:1", "http://a:1"),
        ({"http_proxy": "p:1"}, "http://p:1", None),
        ({"http_proxy": ""}, None, None),
        ({"ftp_proxy": "http://p:1"}, None, None),
        ({"http_proxy": "http://p:1", "no_proxy": "*"}, None, None),
        ({"http_proxy": "http://p:1", "no_proxy": "other, .example"}, None, None),
        ({"http_proxy": "http://p:1", "NO_PROXY": "consul.example"}, None, None),
        ({"http_proxy": "http://p:1", "no_proxy": "consul.example:8500"}, None, None),
        ({"http_proxy": "http://p:1", "no_proxy": "consul.example:1"}, "http://p:1", None),
        ({"http_proxy": "http://p:1", "no_proxy": "sul.example"}, "http://p:1", None),
    ],
)
def test_from_environment(say, variables, plain, secure):
    environ = say(**variables)
    assert proxy.from_environment(REMOTE, environ) == plain
    assert proxy.from_environment(SECURE, environ) == secure


def test_the_given_environment_counts(say):
    say(http_proxy="http://other:1")
    assert proxy.from_environment(REMOTE, {"http_proxy": "http://p:1"}) == "http://p:1"


BAD = [
    f"ftp://u:{SECRET}@p:1",
    f"socks5://u:{SECRET}@p:1",
    f"http://u:{SECRET}@p:0",
    f"http://u:{SECRET}@p:x",
    f"http://u:{SECRET}@p:99999",
    f"http://u:{SECRET}@",
    f"http://[u:{SECRET}",
]


@pytest.mark.parametrize("value", [*BAD, "", "p:1", "http://"])
def test_a_bad_proxy_is_not_shown(value):
    with pytest.raises(ValueError, match=r"^proxy must be a URL like") as caught:
        proxy.check(value)
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", BAD)
def test_a_bad_proxy_of_the_environment_names_the_variable(say, value):
    with pytest.raises(ValueError, match=r"^http_proxy must be a URL like") as caught:
        proxy.from_environment(REMOTE, say(http_proxy=value))
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", [None, 5, b"http://p", ("http://p",)])
def test_a_proxy_of_another_type(value):
    with pytest.raises(TypeError, match=r"^proxy must be a URL"):
        proxy.check(value)


@pytest.mark.parametrize("value", ["http://p", "https://p:1", f"http://u:{SECRET}@[::1]:1/"])
def test_a_proxy_is_kept_as_it_is(value):
    assert proxy.check(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("http://p:1", ()),
        ("http://u@p:1", ()),
        ("http://u:a%20b@p:1", ("a%20b", "a b")),
    ],
)
def test_what_of_a_proxy_is_secret(value, expected):
    assert proxy.secrets(value) == expected


# Passwords


def test_netrc_by_its_variable(tmp_path):
    file = tmp_path / "passwords"
    file.write_text(f"machine consul.example login u password {SECRET}\n")
    environ = {"NETRC": str(file)}
    assert proxy.from_netrc(REMOTE, environ) == ("u", SECRET)
    assert proxy.from_netrc(Address("other.example"), environ) is None
    file.write_text(f"default login d password {SECRET}\n")
    assert proxy.from_netrc(Address("other.example"), environ) == ("d", SECRET)


@pytest.mark.parametrize("name", [".netrc", "_netrc"])
def test_netrc_at_home(tmp_path, name):
    assert proxy.from_netrc(REMOTE, {}) is None
    (tmp_path / name).write_text(f"machine consul.example login u password {SECRET}\n")
    assert proxy.from_netrc(REMOTE, {}) == ("u", SECRET)


def test_a_named_netrc_is_the_only_one(tmp_path):
    (tmp_path / ".netrc").write_text(f"machine consul.example login u password {SECRET}\n")
    assert proxy.from_netrc(REMOTE, {"NETRC": str(tmp_path / "none")}) is None


@pytest.mark.parametrize(
    "content",
    [
        b"machine\n",
        b"nonsense consul.example\n",
        b"machine consul.example login u password \xff\xfe",
    ],
)
def test_a_netrc_that_cannot_be_read_does_not_count(tmp_path, content):
    (tmp_path / ".netrc").write_bytes(content)
    assert proxy.from_netrc(REMOTE, {}) is None


def test_a_netrc_that_is_a_folder_does_not_count(tmp_path):
    assert proxy.from_netrc(REMOTE, {"NETRC": str(tmp_path)}) is None


# Together


@pytest.fixture
def everything(say, tmp_path):
    """An environment that names a proxy and a password for every host."""
    (tmp_path / ".netrc").write_text(f"default login u password {SECRET}\n")
    return say(all_proxy=f"http://v:{SECRET}@p:1")


@pytest.mark.parametrize(
    ("host", "trust_env", "counts"),
    [
        ("consul.example", None, True),
        ("consul.example", True, True),
        ("consul.example", False, False),
        (None, None, False),
        ("[::1]", None, False),
        ("127.0.0.1", True, True),
        ("unix:///x", None, False),
        ("unix:///x", True, False),
    ],
)
def test_a_clients_proxy_and_password(everything, host, trust_env, counts):
    found = resolve(host, options={"trust_env": trust_env}, environ=everything)
    assert (found.proxy is not None) == counts
    assert ("Authorization" in dict(found.headers)) == counts
    assert (SECRET in found.secrets) == counts
    assert SECRET not in repr(found)


def test_arguments_win_over_proxies_and_passwords_of_the_environment(everything):
    options = {"proxy": "http://mine:1", "auth": "me:mine-alone"}
    found = resolve("consul.example", options=options, environ=everything)
    assert found.proxy == "http://mine:1"
    assert "mine-alone" in found.secrets
    assert SECRET not in found.secrets


def test_a_proxy_that_is_asked_for_counts_everywhere():
    found = resolve(options={"proxy": f"http://u:{SECRET}@p:1"}, environ={})
    assert found.proxy == f"http://u:{SECRET}@p:1"
    assert found.secrets == (SECRET, SECRET)


def test_a_session_decides_itself(everything):
    found = resolve("consul.example", options={"session": object()}, environ=everything)
    assert found.proxy is None
    assert "Authorization" not in dict(found.headers)
