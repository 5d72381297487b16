"""TLS with real agents that ask for certificates, in every flavour, and what must not pass."""

from __future__ import annotations

import datetime
import shutil
import ssl
import subprocess
import time
import traceback
from types import SimpleNamespace

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

import consul as package
from consul.exceptions import ConsulException
from tests.agent import Agent
from tests.faults import FaultServer
from tests.flavours import missing

TOKEN = "5ec2e7aa-0000-4000-8000-000000000001"
PASSWORD = "pa55-of-the-key"
#: The one name in the agents' certificate besides the address; "localhost" is not.
NAME = "server.dc1.consul"
#: The longest that a call may take that is to fail at once.  One that is repeated takes 10 s.
SOON = 8


def written(path, *blobs):
    path.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An authority, what it signed, and what it did not, as files."""
    folder = tmp_path_factory.mktemp("tls")
    authority, other = trustme.CA(), trustme.CA()
    long_ago = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    good = authority.issue_cert("127.0.0.1", NAME)
    expired = authority.issue_cert(
        "127.0.0.1", not_before=long_ago, not_after=long_ago + datetime.timedelta(1)
    )
    client, stranger = authority.issue_cert("client"), other.issue_cert("client")
    files = SimpleNamespace(
        folder=folder,
        authority=authority,
        other_authority=other,
        good=good,
        ca=written(folder / "ca.pem", authority.cert_pem),
        other=written(folder / "other.pem", other.cert_pem),
        server=(
            written(folder / "server.crt", *good.cert_chain_pems),
            written(folder / "server.key", good.private_key_pem),
        ),
        expired=(
            written(folder / "expired.crt", *expired.cert_chain_pems),
            written(folder / "expired.key", expired.private_key_pem),
        ),
        cert=written(folder / "client.crt", *client.cert_chain_pems),
        key=written(folder / "client.key", client.private_key_pem),
        both=written(folder / "client.pem", client.private_key_and_cert_chain_pem),
        locked=str(folder / "locked.key"),
        stranger=written(folder / "stranger.pem", stranger.private_key_and_cert_chain_pem),
    )
    key = serialization.load_pem_private_key(client.private_key_pem.bytes(), None)
    (folder / "locked.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(PASSWORD.encode()),
        )
    )
    (folder / "locked.pem").write_bytes(
        (folder / "locked.key").read_bytes() + (folder / "client.crt").read_bytes()
    )
    return files


def running(binary, files, pair):
    return Agent(
        binary,
        tls={
            "ca_file": files.ca,
            "cert_file": pair[0],
            "key_file": pair[1],
            "verify_incoming_https": True,
        },
    )


@pytest.fixture(scope="module")
def tls_agent(server, files):
    """An agent that takes no client without a certificate."""
    with running(server, files, files.server) as agent:
        yield agent


@pytest.fixture(scope="module")
def expired_agent(server, files):
    """The same with a certificate that was good once."""
    with running(server, files, files.expired) as agent:
        yield agent


@pytest.fixture
def hashed(files, tmp_path):
    """A folder of authorities as OpenSSL wants it."""
    command = shutil.which("openssl")
    if command is None:
        missing("openssl is missing, which names the files of a folder of authorities")
    name = subprocess.run(
        [command, "x509", "-noout", "-hash", "-in", files.ca],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    shutil.copy(files.ca, tmp_path / f"{name}.0")
    return str(tmp_path)


def url(agent, host="127.0.0.1"):
    return f"https://{host}:{agent.https_port}"


def works(client, prefix):
    """A write, and a read on the connection that was kept."""
    return client.kv.put(prefix, "x") and client.kv.get(prefix)[1]["Value"] == b"x"


def failure(client, agent, prefix, expected=package.TLSError):
    """The error of a call that must not reach *agent*."""
    for call in (lambda: client.kv.put(prefix, "x"), lambda: client.kv.get(prefix)):
        began = time.monotonic()
        with pytest.raises(ConsulException) as caught:
            call()
        assert time.monotonic() - began < SOON
        error = caught.value
        assert isinstance(error, expected), repr(error)
        shown = "".join(traceback.format_exception(error)) + repr(vars(error))
        for secret in (TOKEN, PASSWORD, "PRIVATE KEY"):
            assert secret not in shown
    with pytest.raises(ValueError, match="404"):
        agent.get(f"/v1/kv/{prefix}")
    return error


@pytest.mark.behaviour("TLS", "mutual: CA file, certificate and key in two files")
def test_mutual(make_client, tls_agent, files, prefix):
    client = make_client(host=url(tls_agent), verify=files.ca, cert=(files.cert, files.key))
    assert works(client, prefix)
    # A blocking query has a connection like any other.
    index, _ = client.kv.get(prefix)
    assert client.kv.get(prefix, index=index, wait="20ms")[0] == index


@pytest.mark.behaviour("TLS", "certificate and key in one file")
@pytest.mark.parametrize("form", ["path", "pair", "triple"])
def test_one_file(make_client, tls_agent, files, prefix, form):
    cert = {
        "path": files.both,
        "pair": (files.both, files.both),
        "triple": (files.both, None, "unused"),
    }[form]
    assert works(make_client(host=url(tls_agent), verify=files.ca, cert=cert), prefix)


@pytest.mark.behaviour("TLS", "encrypted key with its password")
@pytest.mark.parametrize("form", ["two files", "one file"])
def test_encrypted_key(make_client, tls_agent, files, prefix, form):
    cert = (files.cert, files.locked, PASSWORD)
    if form == "one file":
        cert = (str(files.folder / "locked.pem"), None, PASSWORD)
    client = make_client(host=url(tls_agent), verify=files.ca, cert=cert)
    assert works(client, prefix)
    assert PASSWORD not in repr(client) + repr(client.settings) + repr(client.settings.tls)


@pytest.mark.behaviour("TLS", "folder of authorities")
@pytest.mark.parametrize("way", ["verify", "environment"])
def test_folder(make_client, tls_agent, files, hashed, prefix, monkeypatch, way):
    verify = hashed
    if way == "environment":
        monkeypatch.setenv("CONSUL_CAPATH", hashed)
        verify = None
    client = make_client(host=url(tls_agent), verify=verify, cert=(files.cert, files.key))
    assert works(client, prefix)


@pytest.mark.behaviour("TLS", "a ready ssl.SSLContext")
def test_context(make_client, tls_agent, files, prefix):
    context = ssl.create_default_context(cafile=files.ca)
    # It is heeded as it is: without a client certificate it is not enough here.
    failure(make_client(host=url(tls_agent), verify=context, timeout=5), tls_agent, prefix)
    context.load_cert_chain(files.cert, files.key)
    assert works(make_client(host=url(tls_agent), verify=context), prefix)
    with pytest.raises(ValueError, match="cert"):
        make_client(host=url(tls_agent), verify=context, cert=files.both)


@pytest.mark.behaviour("TLS", "server_name for a certificate without the host's name")
@pytest.mark.parametrize("way", ["option", "environment"])
def test_server_name(make_client, tls_agent, files, prefix, monkeypatch, way):
    options = {"verify": files.ca, "cert": files.both, "timeout": 5}
    failure(make_client(host=url(tls_agent, "localhost"), **options), tls_agent, prefix)
    if way == "option":
        options["server_name"] = NAME
    else:
        monkeypatch.setenv("CONSUL_TLS_SERVER_NAME", NAME)
    assert works(make_client(host=url(tls_agent, "localhost"), **options), prefix)


@pytest.mark.behaviour("TLS", "server_name is the name that is checked")
def test_wrong_server_name(make_client, tls_agent, files, prefix):
    client = make_client(
        host=url(tls_agent), verify=files.ca, cert=files.both, server_name="db.example", timeout=5
    )
    failure(client, tls_agent, prefix)


@pytest.mark.behaviour("TLS", "verify=False takes any server")
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("way", ["option", "environment"])
def test_unverified(make_client, tls_agent, expired_agent, files, prefix, monkeypatch, way):
    verify = False
    if way == "environment":
        monkeypatch.setenv("CONSUL_HTTP_SSL_VERIFY", "false")
        monkeypatch.setenv("CONSUL_CACERT", files.other)
        verify = None
    for where in (url(tls_agent, "localhost"), url(expired_agent)):
        assert works(make_client(host=where, verify=verify, cert=files.both), prefix)


@pytest.mark.behaviour("TLS", "the certificate of another host is refused")
def test_wrong_name(make_client, tls_agent, files, prefix):
    client = make_client(
        host=url(tls_agent, "localhost"), token=TOKEN, verify=files.ca, cert=files.both, timeout=5
    )
    failure(client, tls_agent, prefix)


@pytest.mark.behaviour("TLS", "an expired certificate is refused")
def test_expired(make_client, expired_agent, files, prefix):
    client = make_client(
        host=url(expired_agent), token=TOKEN, verify=files.ca, cert=files.both, timeout=5
    )
    failure(client, expired_agent, prefix)


@pytest.mark.behaviour("TLS", "an unknown authority is refused")
@pytest.mark.parametrize("way", ["system's", "another", "environment", "SSL_VERIFY=1"])
def test_unknown_authority(make_client, tls_agent, files, prefix, monkeypatch, way):
    verify = {"system's": True, "another": files.other}.get(way)
    if way == "environment":
        monkeypatch.setenv("CONSUL_CACERT", files.other)
    elif verify is None:
        monkeypatch.setenv("CONSUL_HTTP_SSL_VERIFY", "1")
    client = make_client(
        host=url(tls_agent), token=TOKEN, verify=verify, cert=files.both, timeout=5
    )
    failure(client, tls_agent, prefix)


@pytest.mark.behaviour("TLS", "a server that refuses the client's certificate is a TLSError")
@pytest.mark.parametrize("shown", ["none", "a stranger's"])
def test_client_certificate(make_client, tls_agent, files, prefix, shown):
    cert = None if shown == "none" else files.stranger
    client = make_client(host=url(tls_agent), token=TOKEN, verify=files.ca, cert=cert, timeout=5)
    failure(client, tls_agent, prefix)


@pytest.mark.behaviour("TLS", "an encrypted key without its password is an error, not a question")
@pytest.mark.parametrize("password", [None, "wrong"])
@pytest.mark.parametrize("form", ["two files", "one file"])
def test_key_that_stays_locked(make_client, tls_agent, files, prefix, capfd, password, form):
    cert = (files.cert, files.locked, password)
    if form == "one file":
        cert = (str(files.folder / "locked.pem"), None, password)
    client = make_client(host=url(tls_agent), verify=files.ca, cert=cert[: 3 if password else 2])
    failure(client, tls_agent, prefix, package.ConnectionFailed)
    # OpenSSL's question goes to the terminal, or where there is none to these.
    assert "pass phrase" not in "".join(capfd.readouterr()).lower()


@pytest.mark.behaviour(
    "TLS", "what fails before a request is sent is not repeated, and sends nothing"
)
@pytest.mark.parametrize("what", ["authority", "name", "CA file", "key", "password"])
def test_nothing_sent(make_client, files, what):
    options = {
        "authority": {"verify": files.other},
        "name": {"verify": files.ca, "server_name": "db.example"},
        "CA file": {"verify": str(files.folder / "absent.pem")},
        "key": {"verify": files.ca, "cert": (files.cert, str(files.folder / "absent.key"))},
        "password": {"verify": files.ca, "cert": (files.cert, files.locked)},
    }[what]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files.good.configure_cert(context)
    with FaultServer(context) as server:
        client = make_client(
            host=f"https://127.0.0.1:{server.port}", token=TOKEN, timeout=60, **options
        )
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(package.ConnectionFailed) as caught:
                client.kv.get("good")
            assert time.monotonic() - began < SOON, "repeated, though it cannot get better"
            if what in ("authority", "name"):
                assert isinstance(caught.value, package.TLSError)
            else:
                assert caught.value.sent is False
        assert server.requests == []


@pytest.mark.behaviour("TLS", "HTTP spoken to the port of HTTPS is a 400")
def test_http_to_the_https_port(make_client, tls_agent):
    client = make_client(port=tls_agent.https_port, timeout=5)
    with pytest.raises(package.BadRequest, match="HTTPS") as caught:
        client.kv.get("good")
    assert caught.value.status == 400


@pytest.mark.behaviour("TLS", "HTTPS spoken to the port of HTTP fails at once")
def test_https_to_the_http_port(make_client, tls_agent, files, prefix):
    client = make_client(
        port=tls_agent.port, scheme="https", token=TOKEN, verify=files.ca, timeout=5
    )
    failure(client, tls_agent, prefix, package.ConnectionFailed)


@pytest.mark.behaviour("TLS", "everything from the environment")
@pytest.mark.parametrize("address", ["URL", "CONSUL_HTTP_SSL"])
def test_environment(make_client, tls_agent, files, prefix, monkeypatch, address):
    place = f"localhost:{tls_agent.https_port}"
    if address == "URL":
        monkeypatch.setenv("CONSUL_HTTP_ADDR", f"https://{place}")
    else:
        monkeypatch.setenv("CONSUL_HTTP_ADDR", place)
        monkeypatch.setenv("CONSUL_HTTP_SSL", "true")
    monkeypatch.setenv("CONSUL_HTTP_SSL_VERIFY", "1")
    monkeypatch.setenv("CONSUL_CACERT", files.ca)
    monkeypatch.setenv("CONSUL_CLIENT_CERT", files.cert)
    monkeypatch.setenv("CONSUL_CLIENT_KEY", files.key)
    monkeypatch.setenv("CONSUL_TLS_SERVER_NAME", NAME)
    assert works(make_client(), prefix)


@pytest.mark.behaviour("TLS", "an authority that is given is the only one")
@pytest.mark.parametrize("way", ["verify", "environment"])
def test_only_authority(make_client, files, monkeypatch, way):
    # The other authority is made one of the system's, and of requests' own.
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, files.other)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files.other_authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(context) as server:
        where = f"https://127.0.0.1:{server.port}"
        assert make_client(host=where, timeout=5).kv.get("good")[0] == 7
        seen = len(server.requests)
        verify = files.ca
        if way == "environment":
            monkeypatch.setenv("CONSUL_CACERT", files.ca)
            verify = None
        client = make_client(host=where, token=TOKEN, verify=verify, timeout=5)
        with pytest.raises(package.TLSError):
            client.kv.get("good")
        assert len(server.requests) == seen


@pytest.mark.behaviour("TLS", "a client whose session was looked at checks as before")
def test_looked_at(make_client, flavour, tls_agent, files, prefix, monkeypatch):
    if flavour.name not in ("std", "threads"):
        pytest.skip("requests' sessions are those of std and threads")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", files.ca)
    cases = {files.ca: {"cert": files.both, "server_name": NAME}, files.other: {}}
    for verify, options in cases.items():
        client = make_client(host=url(tls_agent, "localhost"), verify=verify, timeout=5, **options)
        client.http.session.headers.update({"X-Own": "1"})
        if verify == files.ca:
            assert works(client, prefix)
        else:
            failure(client, tls_agent, f"{prefix}-other")
