"""The HTTP client of every flavour, less the I/O, and what a client makes of its settings."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from unittest import mock

import pytest

from consul import base
from consul.api.noun import Noun, lazy
from consul.base import Consul
from consul.callback import CB
from consul.core.address import Address
from consul.core.limits import Limits
from consul.core.request import Response
from consul.core.retry import Retry
from consul.core.settings import Settings, resolve
from consul.core.tls import TLS
from tests.flavours import FLAVOURS


class Recorder(base.HTTPClient):
    """Keeps the calls it is sent, and counts how often it was told of a fork."""

    def _set_up(self):
        self.calls, self.forks = [], 0

    def _after_fork(self):
        super()._after_fork()
        self.forks += 1

    def send(self, call):
        self._refuse_if_closed()
        self.calls.append(call)
        return call.read(Response(200, {}, b'"answer"'))


class Client(Consul):
    client_class = Recorder


# The HTTP client


@pytest.mark.parametrize(
    ("arguments", "uri"),
    [
        ((), "http://127.0.0.1:8500"),
        (("h", "1", "https"), "https://h:1"),
        (("::1", 1), "http://[::1]:1"),
        (("[::1]", 1), "http://[::1]:1"),
    ],
)
def test_python_consuls_arguments(arguments, uri):
    http = base.HTTPClient(*arguments)
    assert http.base_uri == uri
    assert repr(http) == f"<consul.base.HTTPClient {uri}>"
    assert repr(http.settings.retry) == repr(Retry())


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"port": 0}, "port"),
        ({"verify": ""}, "verify"),
        ({"cert": ("a",)}, "cert"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        base.HTTPClient(**arguments)


def with_five(settings, host, port, scheme="http", verify=True, cert=None):
    """The HTTP client that a subclass of the client makes by passing on these arguments."""

    class Passing(Client):
        def http_connect(self, *given, **named):
            self.settings = settings
            return super().http_connect(host, port, scheme, verify, cert)

    return Passing().http


def test_arguments_against_the_settings():
    """A subclass may pass on other ones than it was given; the rest of the settings stays."""
    settings = Settings(Address("h", 1, "https", "/p"), tls=TLS(True, None, "name"))
    assert base.HTTPClient(settings).settings is settings
    assert with_five(settings, "h", 1, "https").settings == settings
    other = with_five(settings, "other", 1, "https", False, "file")
    assert other.base_uri == "https://other:1/p"
    assert other.settings.tls == TLS(False, "file", "name")
    socket = Settings(Address("localhost", 80, socket="/x"))
    assert with_five(socket, "localhost", 80).address.socket == "/x"
    assert with_five(socket, "h", 80).address.socket is None


def test_an_assigned_base_uri_counts():
    http = base.HTTPClient(Settings())
    before = http.address
    assert http.address is before
    http.base_uri = "https://h/p/"
    assert http.address == Address("h", 443, "https", "/p")
    assert http.settings.address is http.address
    with pytest.raises(ValueError, match=r"^base_uri "):
        http.base_uri = "ftp://h"
    assert http.address == Address("h", 443, "https", "/p")


def test_a_unix_socket_is_shown():
    http = base.HTTPClient(resolve("unix:///run/consul.sock", environ={}))
    assert repr(http) == "<consul.base.HTTPClient unix:///run/consul.sock>"
    http.base_uri = "http://h:1"
    assert repr(http) == "<consul.base.HTTPClient http://h:1>"


def test_a_closed_client_refuses():
    http = Recorder()
    http._refuse_if_closed()
    http.closed = True
    with pytest.raises(RuntimeError, match=r"Recorder http://127.0.0.1:8500> is closed"):
        http.get(CB.json(), "/")
    assert http.calls == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_tells_every_client_once():
    clients = [Recorder(), Recorder()]
    child = os.fork()
    if child == 0:
        os._exit(sum(http.forks == 1 for http in clients))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert [http.forks for http in clients] == [0, 0]


@pytest.mark.parametrize("method", ["send", "run", "exchange", "wait", "spawn", "classify"])
def test_a_flavour_must_have_the_verbs(method):
    arguments = (None, None) if method == "wait" else (None,)
    with pytest.raises(NotImplementedError, match=rf"HTTPClient does not define {method}\(\)"):
        getattr(base.HTTPClient(), method)(*arguments)


def test_a_flavour_may_leave_invoke_as_it_is():
    assert base.HTTPClient().invoke(divmod, 7, 2) == (3, 1)


@pytest.mark.parametrize(
    ("verb", "data", "body", "repeatable"),
    [
        ("get", None, None, True),
        ("put", "é", "é".encode(), False),
        ("post", b"\xff", b"\xff", False),
        ("delete", None, None, False),
    ],
)
def test_the_verbs(verb, data, body, repeatable):
    http = Recorder()
    more = {} if verb == "get" else {"data": data}
    params = {"token": "t", "a": 1}
    assert getattr(http, verb)(CB.json(), "/v1/a b", params, headers={"x": "y"}, **more) == "answer"
    request = http.calls[0].request
    assert (request.method, request.target) == (verb.upper(), "/v1/a%20b?a=1")
    assert {("x", "y"), ("X-Consul-Token", "t")} <= set(request.headers)
    assert (request.body, http.calls[0].repeatable) == (body, repeatable)


def test_uri():
    http = base.HTTPClient(Settings(Address("h", 1, prefix="/p")))
    assert http.uri("/v1/a b", {"c": "d e"}) == "http://h:1/p/v1/a%20b?c=d%20e"
    assert http.uri("/v1/a") == "http://h:1/p/v1/a"


# The client


def test_settings_reach_every_request_and_the_http_client():
    client = Client("h:1/p", token="t", ns="n", partition="q", timeout=5, headers={"a": "b"},
                    auth="u:s3cret-word", retry=False)  # fmt: skip
    assert client.http.settings is client.settings
    assert client.http.base_uri == "http://h:1/p"
    for described in (client.describe, client.describe.describe):
        request = described.kv.get("x").request
        assert request.target == "/v1/kv/x?ns=n&partition=q"
        assert dict(request.headers)["a"] == "b"
        assert request.deadline == 5
        assert "s3cret-word" in request.secrets
        assert "s3cret-word" not in repr(described)


def test_a_describing_client_has_the_settings_of_the_moment():
    client = Client()
    client.token, client.dc, client.consistency = "t", "d", "stale"
    request = client.describe.kv.get("x").request
    assert request.target == "/v1/kv/x?stale=1&dc=d"
    assert ("X-Consul-Token", "t") in request.headers


def test_a_describing_client_has_the_scope_of_the_moment():
    client = Client()
    client.ns = "later"
    assert client.describe.kv.get("x").request.params == (("ns", "later"),)


@pytest.mark.parametrize("value", ["team", b"team", None])
def test_the_partition_of_all_calls_cannot_be_assigned(value):
    # There the endpoints of partitions are.
    client = Client()
    with pytest.raises(TypeError, match="give partition= to the client or a call"):
        client.partition = value
    mine = type(client.partition)(client)
    client.partition = mine
    assert client.partition is mine


@pytest.mark.parametrize("value", ["best", ""])
def test_a_consistency_that_does_not_exist(value):
    with pytest.raises(ValueError, match=r"^consistency must be one of default, consistent, stale"):
        Consul(consistency=value)


def test_clients_show_where_they_point():
    assert repr(Consul()) == "<consul.base.Consul (describes calls only)>"
    assert repr(Client()).endswith(".Recorder http://127.0.0.1:8500>>")
    with pytest.raises(TypeError, match=r"^Consul has no HTTP client of its own"):
        Consul().http_connect("h", 1, "http")


# Settings


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("token", "t", ("X-Consul-Token", "t")),
        ("consistency", "stale", ("stale", "1")),
        ("dc", "d", ("dc", "d")),
        ("ns", "n", ("ns", "n")),
        ("headers", (("X-Mine", "1"),), ("X-Mine", "1")),
        ("limits", Limits(1, 2, 3), ("deadline", 2)),
    ],
)
def test_an_assignment_replaces_the_settings_and_takes_effect(name, value, sent):
    client = Client(retry=False)
    before, noun = client.settings, client.kv
    setattr(client, name, value)
    assert getattr(client, name) == getattr(client.settings, name) == value
    assert client.settings == before._replace(**{name: value})
    # The former settings are as they were, and those of the class as well.
    assert before == Client(retry=False).settings
    assert Consul.settings == Settings()
    noun.get("x", raw=True)
    described = client.describe.kv.get("x")
    for request in (client.http.calls[0].request, described.request):
        assert sent in (*request.headers, *request.params, ("deadline", request.deadline))


def test_a_client_that_was_described_keeps_its_settings():
    client = Client(token="a")
    described = client.describe
    client.token = "b"
    described.dc = "d"
    assert (described.token, client.token, client.dc) == ("a", "b", None)


def test_a_token_that_is_assigned_is_a_secret():
    client = Client()
    client.token = "s3cret"
    call = client.describe.acl.info("s3cret")
    assert "s3cret" not in f"{call!r} {call.request.shown} {client.settings!r} {client!r}"


@pytest.mark.parametrize("value", ["best", "", None])
def test_a_consistency_that_does_not_exist_but_is_assigned(value):
    """It is refused by the assignment or by the next read, before anything is sent."""
    client = Client(consistency="stale")

    def read():
        client.consistency = value
        client.kv.get("x")

    with pytest.raises(ValueError, match=r"^consistency must be one of"):
        read()
    assert client.http.calls == []


@pytest.mark.parametrize("passed_on", [{}, {"token": "late", "consistency": "stale", "dc": "l"}])
def test_assignments_before_the_constructor(passed_on):
    """Subclasses of python-consul's client do this; there, too, the constructor assigned anew."""
    seen = []

    class Early(Client):
        def __init__(self, **options):
            self.token, self.consistency, self.dc = "early", "consistent", "e"
            seen.append((self.token, self.consistency, self.dc, self.kv is not None))
            request = self.describe.kv.get("x").request
            seen.append((request.params, ("X-Consul-Token", "early") in request.headers))
            super().__init__(**options)

    client = Early(**passed_on)
    assert seen == [
        ("early", "consistent", "e", True),
        ((("consistent", "1"), ("dc", "e")), True),
    ]
    expected = {"token": None, "consistency": "default", "dc": None, **passed_on}
    assert {name: getattr(client, name) for name in expected} == expected
    assert client.http.settings is client.settings
    client.kv.get("x", raw=True)
    sent = dict(client.http.calls[0].request.headers)
    assert sent.get("X-Consul-Token") == passed_on.get("token")


def test_config_is_a_name_for_subclasses():
    class Mine(Client):
        def __init__(self, config):
            self.config = config
            super().__init__(token=config["token"])

    client = Mine({"token": "t"})
    assert (client.config, client.token) == ({"token": "t"}, "t")
    assert isinstance(Client().config, Noun)


@pytest.mark.parametrize("name", sorted(FLAVOURS))
@pytest.mark.parametrize("option", ["workers", "loop"])
def test_options_of_other_flavours_are_refused(name, option):
    kind = pytest.importorskip(f"consul.{name}").Consul
    if (name, option) in (("threads", "workers"), ("aio", "loop")):
        client = kind(**{option: 3})
        assert client.settings.workers == (3 if option == "workers" else Settings().workers)
    else:
        with pytest.raises(TypeError, match=rf"^{option} is not an option of consul.{name}.Consul"):
            kind(**{option: 3})


@pytest.mark.parametrize("option", ["workers", "loop"])
def test_a_client_that_describes_takes_no_option_of_a_flavour(option):
    with pytest.raises(TypeError, match=rf"^{option} is not an option of consul.base.Consul"):
        Consul(**{option: 3})


# Nouns


def nouns(owner):
    """Name -> class attribute of each noun of *owner*."""
    return {
        name: value._kind
        for kind in reversed(type(owner).__mro__)
        for name, value in vars(kind).items()
        if type(value) is type(lazy("X"))
    }


#: What has nouns: a client, and a noun of it that has others.
OWNERS = [Client, lambda: Client().agent, lambda: Client().acl]


@pytest.mark.parametrize("make", OWNERS)
def test_nouns_are_made_when_they_are_touched(make):
    names = nouns(make())
    assert len(names) >= 2
    for name, kind in names.items():
        owner = make()
        assert name not in vars(owner)
        noun = getattr(owner, name)
        assert type(noun) is getattr(owner, kind)
        assert getattr(owner, name) is noun is vars(owner)[name]
        assert noun.agent is noun._client is getattr(owner, "_client", owner)
        # Only this one was made.
        assert [other for other in names if other in vars(owner)] == [name]


@pytest.mark.parametrize("make", OWNERS)
def test_a_noun_is_of_the_class_that_a_subclass_names(make):
    for name, kind in nouns(make()).items():
        owner = make()
        own = type(kind, (getattr(owner, kind),), {})
        changed = type("Mine", (type(owner),), {kind: own})
        made = changed() if isinstance(owner, Client) else changed(owner._client)
        assert type(getattr(made, name)) is own
        # Named on the object itself, it counts as well.
        setattr(owner, kind, own)
        assert type(getattr(owner, name)) is own


@pytest.mark.parametrize("make", OWNERS)
@pytest.mark.parametrize("touched", [False, True])
def test_a_noun_may_be_assigned(make, touched):
    for name in nouns(make()):
        owner, mine = make(), object()
        if touched:
            getattr(owner, name)
        setattr(owner, name, mine)
        assert getattr(owner, name) is mine


def test_a_noun_of_the_class_is_what_makes_it():
    assert Client.kv is Consul.kv
    assert not isinstance(Client.kv, Noun)


def test_threads_that_touch_a_noun_at_once_get_the_same():
    for _ in range(50):
        client, found = Client(), []
        barrier = threading.Barrier(4)

        def touch(client=client, found=found, barrier=barrier):
            barrier.wait()
            found.append(client.agent.service)

        threads = [threading.Thread(target=touch) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len({id(noun) for noun in found}) == 1


# The hooks that make the HTTP client


def library_like(**names):
    """The client of a later version, which has *names* of its own."""
    return type("Consul", (Client,), {"__module__": "consul.base", **names})


class Connect(Noun):
    """A noun of that name: Consul has /v1/connect."""


@pytest.mark.parametrize("name", ["connect", "http_connect"])
def test_a_subclass_has_its_own_way_to_connect(name):
    made = []

    def connect(self, host, port, scheme, verify=True, cert=None):
        made.append((host, port, scheme, verify, cert))
        return Recorder(host, port, scheme, verify, cert)

    client = type("Mine", (Client,), {name: connect})("h", 1, cert="c")
    assert made == [("h", 1, "http", True, "c")]
    assert client.kv.get("x", raw=True) == (None, b'"answer"')
    assert len(client.http.calls) == 1


def test_the_newer_name_wins_within_a_class_and_the_nearer_class_else():
    seen = []

    def hook(name):
        def connect(self, *given, **named):
            seen.append(name)
            return Recorder()

        return connect

    both = type("Both", (Client,), {"connect": hook("old"), "http_connect": hook("new")})
    both()
    type("Below", (both,), {"connect": hook("below")})()
    assert seen == ["new", "below"]


def test_a_noun_named_connect_is_no_hook():
    kind = library_like(Connect=Connect, connect=lazy("Connect"))
    client = kind("h", 1)
    assert client.http.base_uri == "http://h:1"
    assert type(client.connect) is Connect
    assert client.connect.agent is client


def test_a_subclass_with_a_connect_of_its_own_wins_over_such_a_noun():
    made = []

    class Mine(library_like(Connect=Connect, connect=lazy("Connect"))):
        def connect(self, host, port, scheme, verify=True, cert=None):
            made.append((host, port))
            return Recorder(host, port, scheme, verify, cert)

    client = Mine("h", 1)
    assert made == [("h", 1)]
    assert client.kv.get("x", raw=True) == (None, b'"answer"')
    assert len(client.http.calls) == 1


def test_no_method_of_the_library_is_a_hook():
    def connect(self, *given, **named):
        raise AssertionError("called")

    for name in ("connect", "http_connect"):
        assert library_like(**{name: connect})().http.base_uri == "http://127.0.0.1:8500"


def test_of_the_class_a_noun_is_the_class_of_what_there_will_be():
    assert Consul.kv is Consul.KV
    assert Consul.Agent.service is Consul.Agent.Service
    assert mock.create_autospec(Consul, instance=True).kv.get


def test_a_copy_goes_where_the_client_goes():
    client = Client()
    client.http.base_uri = "http://elsewhere:1/p"
    for copied in (copy.deepcopy(client), pickle.loads(pickle.dumps(client))):
        assert copied.http.base_uri == "http://elsewhere:1/p"
