"""The tree of exceptions, what they show, and what they keep from python-consul."""

from __future__ import annotations

import copy
import pickle

import pytest
import requests

from consul import exceptions, std
from consul.exceptions import ConsulException

PARENTS = {
    "Timeout": "ConsulException",
    "ConnectionFailed": "ConsulException",
    "TLSError": "ConnectionFailed",
    "BadAnswer": "ConsulException",
    "Redirected": "ConsulException",
    "BadRequest": "ConsulException",
    "ACLDisabled": "ConsulException",
    "ACLPermissionDenied": "ConsulException",
    "NotFound": "ConsulException",
    "ClientError": "ConsulException",
    "TransactionRolledBack": "ClientError",
    "RateLimited": "ClientError",
    "ServerError": "ConsulException",
    "NoLeader": "ServerError",
    "Closed": "ConsulException",
    "NotReady": "ConsulException",
    "NoInstance": "ConsulException",
    "LockNotAcquired": "ConsulException",
    "LockLost": "ConsulException",
    "LockConflict": "ConsulException",
    "Unsupported": "ConsulException",
    "InvalidSession": "NotFound",
    "UnknownACL": "NotFound",
    "UnknownService": "NotFound",
    "UnknownCheck": "NotFound",
    "UnknownQuery": "NotFound",
}


def test_the_tree():
    found = {
        name: kind.__bases__[0].__name__
        for name, kind in vars(exceptions).items()
        if isinstance(kind, type) and issubclass(kind, ConsulException)
    }
    assert found.pop("ConsulException") == "Exception"
    assert found == PARENTS


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (204, "", "BadAnswer"),
        (301, "", "Redirected"),
        (400, "", "BadRequest"),
        (401, "", "ACLDisabled"),
        (403, "", "ACLPermissionDenied"),
        (404, "", "NotFound"),
        (405, "", "ClientError"),
        (409, "", "ClientError"),
        (413, "", "ClientError"),
        (429, "", "RateLimited"),
        (500, "", "ServerError"),
        (500, "No cluster leader", "NoLeader"),
        (500, "No known Consul servers", "NoLeader"),
        (500, "rpc error making call: rpc error getting client: failed", "NoLeader"),
        (502, "leader not found", "NoLeader"),
        (503, "No cluster leader", "RateLimited"),
        (599, "", "ServerError"),
        (403, "No cluster leader", "ACLPermissionDenied"),
    ],
)
def test_status_to_class(status, body, kind):
    error = exceptions.answer(status, body, 3)
    assert type(error).__name__ == kind
    assert (error.status, error.body, error.index) == (status, body, 3)
    assert (error.method, error.path) == (None, None)


@pytest.mark.parametrize(
    ("status", "first"),
    [
        (400, "400 why"),
        (401, "why"),
        (403, "why"),
        (404, "why"),
        (409, "409 why"),
        (500, "500 why"),
    ],
)
def test_args_are_those_of_python_consul(status, first):
    assert exceptions.answer(status, "why").args == (first,)


def test_args_without_a_body():
    assert exceptions.answer(500, "").args == ("500",)


def located(status, body):
    error = exceptions.answer(status, body)
    error.method, error.path = "PUT", "/v1/kv/a"
    return error


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (403, "denied", "PUT /v1/kv/a: 403 denied"),
        (403, "", "PUT /v1/kv/a: 403"),
        (500, "broken", "PUT /v1/kv/a: 500 broken"),
        (409, '{"a":  1}', 'PUT /v1/kv/a: 409 {"a":  1}'),
        (500, "rpc:  two  blanks", "PUT /v1/kv/a: 500 rpc:  two  blanks"),
    ],
)
def test_text_names_verb_path_status_and_body(status, body, text):
    assert str(located(status, body)) == text


def test_text_outside_of_a_request_is_the_message():
    assert str(ConsulException("x")) == "x"
    assert str(ConsulException()) == ""


@pytest.mark.parametrize(
    "twin",
    [copy.copy, copy.deepcopy]
    + [
        lambda it, p=p: pickle.loads(pickle.dumps(it, p))
        for p in range(pickle.HIGHEST_PROTOCOL + 1)
    ],
)
@pytest.mark.parametrize("kind", [located, None])
def test_copies_keep_everything(twin, kind):
    if kind is None:
        error = exceptions.TransactionRolledBack("409 {}")
        error.errors = [{"OpIndex": 0, "What": "x"}]
    else:
        error = located(500, "No cluster leader")
    found = twin(error)
    assert type(found) is type(error)
    assert (found.args, vars(found), str(found)) == (error.args, vars(error), str(error))


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"),
    [
        (std.ConnectionFailed, exceptions.ConnectionFailed, requests.exceptions.ConnectionError),
        (std.Timeout, exceptions.Timeout, requests.exceptions.Timeout),
        (std.ConnectTimeout, exceptions.Timeout, requests.exceptions.ConnectTimeout),
        (std.ConnectTimeout, exceptions.Timeout, requests.exceptions.ConnectionError),
        (std.TLSError, exceptions.TLSError, requests.exceptions.SSLError),
        (std.TLSError, exceptions.ConnectionFailed, requests.exceptions.ConnectionError),
    ],
)
def test_transport_errors_of_std_are_those_of_requests_too(kind, ours, theirs):
    for caught in (ours, theirs, ConsulException, requests.exceptions.RequestException):
        with pytest.raises(caught):
            raise kind("broken")
    error = kind("broken")
    error.method, error.path = "GET", "/v1/x"
    assert str(error) == "GET /v1/x: broken"
    assert vars(pickle.loads(pickle.dumps(error)))["path"] == "/v1/x"
