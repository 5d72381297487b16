"""The definitions that `consul.Check` makes."""

from datetime import timedelta

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


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="interval"):
        Check.http("http://x", "10")
    with pytest.raises(ValueError, match="interval"):
        Check.http("http://x", None)
    with pytest.raises(TypeError, match="statsu"):
        Check.ttl("10s", statsu="passing")
