"""The definitions that `consul.Check` makes."""

from datetime import timedelta
from ipaddress import ip_address

import pytest

from consul.check import Check


def test_http_has_the_keys_of_python_consul():
    assert Check.http("http://x", interval="10s") == {"http": "http://x", "interval": "10s"}
    assert Check.http("http://x", "10s", "2s", "1m", {"a": ["b"]}) == {
        "http": "http://x",
        "interval": "10s",
        "timeout": "2s",
        "DeregisterCriticalServiceAfter": "1m",
        "header": {"a": ["b"]},
    }


def test_http_extras_keep_falsy_values():
    check = Check.http(
        "http://x", 10, method="HEAD", body="", tls_skip_verify=False, failures_before_critical=0
    )
    assert check == {
        "http": "http://x",
        "interval": "10s",
        "Method": "HEAD",
        "Body": "",
        "TLSSkipVerify": False,
        "FailuresBeforeCritical": 0,
    }


@pytest.mark.parametrize(
    ("interval", "text"), [(10, "10s"), (0.5, "0.5s"), (timedelta(minutes=1), "60s"), ("1m", "1m")]
)
def test_durations(interval, text):
    assert Check.tcp("h", 80, interval)["interval"] == text


@pytest.mark.parametrize(
    ("host", "shown"), [("h", "h:80"), ("::1", "[::1]:80"), ("[::1]", "[::1]:80")]
)
def test_tcp(host, shown):
    assert Check.tcp(host, 80, "10s") == {"tcp": shown, "interval": "10s"}


def test_ttl():
    assert Check.ttl("10s") == {"ttl": "10s"}
    assert Check.ttl(10, status="passing") == {"ttl": "10s", "Status": "passing"}


def test_script():
    assert Check.script(["a", "b"], "10s") == {"args": ["a", "b"], "interval": "10s"}


def test_script_as_text_is_deprecated_and_run_by_a_shell():
    with pytest.warns(DeprecationWarning, match="sh -c") as caught:
        assert Check.script("a b", "10s") == {"args": ["sh", "-c", "a b"], "interval": "10s"}
    assert caught[0].filename == __file__


def test_docker():
    assert Check.docker("id", "bash", "a b", "10s", "1m") == {
        "docker_container_id": "id",
        "shell": "bash",
        "args": ["bash", "-c", "a b"],
        "interval": "10s",
        "DeregisterCriticalServiceAfter": "1m",
    }
    assert Check.docker("id", None, ["a"], 1)["args"] == ["a"]


@pytest.mark.parametrize("zero", [0, "0s", timedelta(0)])
def test_zero_durations_are_refused(zero):
    for name, make in (
        ("ttl", lambda: Check.ttl(zero)),
        ("deregister", lambda: Check.ttl("10s", deregister=zero)),
        ("interval", lambda: Check.http("http://x", zero)),
        ("timeout", lambda: Check.http("http://x", "10s", zero)),
        ("interval", lambda: Check.tcp("h", 80, zero)),
        ("interval", lambda: Check.script(["a"], zero)),
        ("interval", lambda: Check.docker("id", None, ["a"], zero)),
    ):
        with pytest.raises(ValueError, match=rf"^{name} must be above 0"):
            make()


def test_forms_of_values():
    assert Check.tcp(ip_address("::1"), "80", 1)["tcp"] == "[::1]:80"
    check = Check.http(b"http://x", 1, header={"A": ("b",)}, tls_skip_verify="true",
                       success_before_passing="3")  # fmt: skip
    assert check["header"] == {"A": ["b"]}
    assert (check["http"], check["TLSSkipVerify"], check["SuccessBeforePassing"]) == (
        "http://x", True, 3
    )  # fmt: skip
    assert Check.docker("id", b"bash", b"a", 1)["args"] == ["bash", "-c", "a"]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Check.tcp("h", 80.5, 1), "port"),
        (lambda: Check.tcp("h", True, 1), "port"),
        (lambda: Check.tcp("h", 70000, 1), "port"),
        (lambda: Check.tcp(None, 80, 1), "host"),
        (lambda: Check.http(None, 1), "url"),
        (lambda: Check.http("u", 1, header={"A": "x"}), r"header\['A'\]"),
        (lambda: Check.http("u", 1, header={"A": [None]}), r"header\['A'\]\[0\]"),
        (lambda: Check.http("u", 1, header=["A"]), "header"),
        (lambda: Check.http("u", 1, tls_skip_verify="no"), "tls_skip_verify"),
        (lambda: Check.http("u", 1, disable_redirects=1), "disable_redirects"),
        (lambda: Check.http("u", 1, body={"a": 1}), "body"),
        (lambda: Check.http("u", 1, method="\ud800"), "method"),
        (lambda: Check.ttl(1, output_max_size=1.5), "output_max_size"),
        (lambda: Check.ttl(1, status=5), "status"),
        (lambda: Check.script(["a", None], 1), r"args\[1\]"),
        (lambda: Check.script(5, 1), "args"),
        (lambda: Check.docker(5, None, ["a"], 1), "container_id"),
        (lambda: Check.docker("id", None, {"a": 1}, 1), "script"),
    ],
)
def test_what_cannot_be_meant_is_named(make, name):
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must|^{name} has"):
        make()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="interval"):
        Check.http("http://x", "10")
    with pytest.raises(ValueError, match="interval"):
        Check.http("http://x", None)
    with pytest.raises(TypeError, match="statsu"):
        Check.ttl("10s", statsu="passing")
