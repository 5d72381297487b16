"""What the pages say of errors: the texts of "Troubleshooting", the classes of "Coming from"."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import consul
from consul import exceptions
from tests.flavours import Blocking

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = (DOCS / "troubleshooting.rst").read_text(encoding="utf-8")
#: Texts of the page by exception, one pair for each row of its table.
ROWS = re.findall(r"^   \* - (.+)\n     - :ref:`(\w+) <trouble-\w+>`$", PAGE, re.MULTILINE)
CLASSES = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, exceptions.ConsulException)
]
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_exception_has_its_section(kind: type[Exception]) -> None:
    name = kind.__name__
    anchor = f".. _trouble-{name.lower()}:\n\n{name}\n{'~' * len(name)}\n"
    assert anchor in PAGE
    assert f"`consul.{name} <consul.exceptions.{name}>`" in PAGE
    assert kind is consul.ConsulException or name in [row[1] for row in ROWS]


def shown(name: str, error: Exception) -> bool:
    """Whether a row for *name* has the text of *error*; ``...`` in it stands for any text."""
    text = re.sub(r"(127\.0\.0\.1|no\.such\.invalid):\d+", r"\1:8500", str(error))
    rows = [re.split(r"\s*\.\.\.\s*", row[0]) for row in ROWS if row[1] == name]
    texts = [".*".join(map(re.escape, parts)) for parts in rows]
    return any(re.search(each, text, re.DOTALL) for each in texts)


def raised(call: Callable[[], Any]) -> consul.ConsulException:
    with pytest.raises(consul.ConsulException) as caught:
        call()
    return caught.value


#: A call of an agent without ACLs that fails, by the exceptions that it may raise.  The version of
#: Consul decides which one it is.
REFUSED: dict[str, Callable[[consul.Consul], Any]] = {
    "BadRequest": lambda client: client.kv.get("a", ns="other"),
    "BadRequest by a field": lambda client: client.agent.service.register(
        "docs", extra={"Nonsense": 1}
    ),
    "InvalidSession": lambda client: client.session.renew(NOBODY),
    "InvalidSession by a lock": lambda client: client.kv.put("a", "", acquire=NOBODY),
    "UnknownCheck": lambda client: client.agent.check.ttl_pass("docs-none"),
    "UnknownQuery": lambda client: client.query.get(NOBODY),
    "TransactionRolledBack": lambda client: client.txn.put(
        [{"KV": {"Verb": "get", "Key": "docs-none"}}]
    ),
    "ClientError": lambda client: client.kv.put("docs", "x" * 600_000),
    "ServerError": lambda client: client.kv.get("a", dc="docs-none"),
    "ACLDisabled NotFound": lambda client: client.acl.list(),
}


@pytest.mark.parametrize("names", REFUSED)
def test_what_an_agent_says(names: str, agent: Any) -> None:
    with consul.Consul(port=agent.port) as client:
        error = raised(lambda: REFUSED[names](client))
    name = type(error).__name__
    assert name in names.split()
    # The text of a rollback is the answer itself.
    assert name == "TransactionRolledBack" or shown(name, error), str(error)


def test_what_an_agent_says_of_tokens(acl_agent: Any) -> None:
    for token, text in ((None, "(no token was sent)"), (NOBODY, "(with a token)")):
        with consul.Consul(port=acl_agent.port, token=token) as client:
            error = raised(lambda client=client: client.kv.put("a", "b"))
        assert str(error).endswith(text)
        assert shown("ACLPermissionDenied", error), str(error)
    with consul.Consul(port=acl_agent.port, token=acl_agent.token) as client:
        error = raised(lambda: client.acl.role.update(NOBODY, "docs"))
        assert shown("UnknownACL", error), str(error)
        error = raised(lambda: client.acl.role.get(NOBODY))
        assert type(error) is consul.NotFound or shown("UnknownACL", error), str(error)


def test_a_prefix_given_twice(agent: Any) -> None:
    with consul.Consul(f"http://127.0.0.1:{agent.port}/v1") as client:
        error = raised(lambda: client.kv.get("a"))
    assert type(error) is consul.NotFound
    assert "/v1/v1/kv/a: 404" in str(error)


class Answers(BaseHTTPRequestHandler):
    """What is not Consul's."""

    def do_GET(self) -> None:
        status, body = 200, b"<html>Log in, please</html>"
        if "redirected" in self.path:
            status = 301
        elif "missing" in self.path:
            status = 404
        elif "limited" in self.path:
            status = 429
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "https://consul.example/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def stranger() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("page", "BadAnswer"),
        ("redirected", "Redirected"),
        ("limited", "RateLimited"),
        ("missing", "NotFound"),
    ],
)
def test_what_a_stranger_says(key: str, name: str, stranger: int) -> None:
    with consul.Consul(port=stranger, retry=False) as client:
        error = raised(lambda: client.kv.get(key))
    assert type(error).__name__ == name
    # These two are described, not quoted.
    assert name in ("RateLimited", "NotFound") or shown(name, error), str(error)


@pytest.fixture
def silent() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def nobody() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


#: What errors are besides ours, as the page for migrating says.
FOREIGN = {
    "std": ("requests.exceptions.ConnectionError", "requests.exceptions.SSLError"),
    "aio": ("aiohttp.client_exceptions.ClientConnectorError", "ClientConnectorSSLError"),
    "tornado": ("builtins.ConnectionRefusedError", "ssl.SSLError"),
    "twisted": ("twisted.internet.error.ConnectionRefusedError", "ssl.SSLError"),
}
FOREIGN["threads"] = FOREIGN["std"]
TIMEOUTS = {
    "std": "requests.exceptions.Timeout",
    "threads": "requests.exceptions.Timeout",
    "aio": "builtins.TimeoutError",
    "twisted": "twisted.internet.error.TimeoutError",
}


def classes(error: Exception) -> list[str]:
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]


def test_no_connection(flavour: Any, make_client: Callable[..., Blocking], nobody: int) -> None:
    error = raised(lambda: make_client(port=nobody).kv.get("a"))
    assert isinstance(error, consul.ConnectionFailed)
    assert shown("ConnectionFailed", error), str(error)
    assert FOREIGN[flavour.name][0] in classes(error)


def test_no_tls(flavour: Any, make_client: Callable[..., Blocking], agent: Any) -> None:
    error = raised(lambda: make_client(port=agent.port, scheme="https").kv.get("a"))
    assert isinstance(error, consul.TLSError)
    assert shown("TLSError", error), str(error)
    assert any(kind.endswith(FOREIGN[flavour.name][1]) for kind in classes(error))


def test_no_answer(flavour: Any, make_client: Callable[..., Blocking], silent: int) -> None:
    error = raised(lambda: make_client(port=silent, timeout=0.2).kv.get("a"))
    assert isinstance(error, consul.Timeout)
    assert str(error).endswith("no answer in 0.2 s")
    assert TIMEOUTS.get(flavour.name, "consul.exceptions.Timeout") in classes(error)


def test_closed(make_client: Callable[..., Blocking], agent: Any) -> None:
    client = make_client(port=agent.port)
    client.close()
    error = raised(lambda: client.kv.get("a"))
    assert isinstance(error, consul.Closed)
    assert isinstance(error, RuntimeError)
    assert shown("Closed", error), str(error)
