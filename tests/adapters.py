"""Adapters of python-consul's interface, written like those that people have."""

from __future__ import annotations

import json
import re
from collections import namedtuple
from urllib.parse import quote, urlencode

import urllib3

from consul import base

PatroniResponse = namedtuple("PatroniResponse", "code,headers,body,content")


class PatroniHTTP:
    """As Patroni's: a pool of its own, verbs made in a loop, the token taken out of *params*."""

    def __init__(self, host="127.0.0.1", port=8500, token=None, scheme="http", **ignored):
        self.token = token
        self.base_uri = f"{scheme}://{host}:{port}"
        self.http = urllib3.PoolManager(num_pools=1, retries=False, timeout=10)

    def close(self):
        self.http.clear()

    def uri(self, path, params=None):
        return f"{self.base_uri}{quote(path)}{'?' + urlencode(params) if params else ''}"


def _verb(method):
    def verb(self, callback, path, params=None, data="", headers=None):
        params = dict(params or {})
        headers = dict(headers or {})
        token = params.pop("token", self.token)
        if token:
            headers["X-Consul-Token"] = token
        if method == "PUT" and path == "/v1/session/create":
            data = re.sub(r"}$", ', "ttl": "30s"}', data)
        reply = self.http.request(
            method, self.uri(path, params), body=data or None, headers=headers
        )
        body = reply.data.decode()
        return callback(PatroniResponse(reply.status, reply.headers, body, reply.data))

    return verb


for _method in ("get", "put", "post", "delete"):
    setattr(PatroniHTTP, _method, _verb(_method.upper()))


class PatroniConsul(base.Consul):
    """As Patroni's client: both hooks, and a token set before the constructor."""

    def __init__(self, *args, **kwargs):
        self.token = kwargs.get("token")
        super().__init__(*args, **kwargs)

    def http_connect(self, *args, **kwargs):
        kwargs.update(zip(["host", "port", "scheme", "verify"], args, strict=False))
        return PatroniHTTP(**kwargs)

    def connect(self, *args, **kwargs):
        return self.http_connect(*args, **kwargs)


class Pending:
    """A value to come, and who sent for it."""

    def __init__(self, callback, request):
        self.callback, self.request = callback, request

    def answer(self, code, headers, data):
        return self.callback(base.Response(code, headers, json.dumps(data)))


class PendingHTTP:
    """As vanilla.consul's: no *headers*, and the callback is called when the answer is there."""

    def get(self, callback, path, params=None):
        return Pending(callback, ("GET", path, params, None))

    def put(self, callback, path, params=None, data=""):
        return Pending(callback, ("PUT", path, params, data))

    def delete(self, callback, path, params=None):
        return Pending(callback, ("DELETE", path, params, None))


class PendingConsul(base.Consul):
    """The client for `PendingHTTP`."""

    @staticmethod
    def connect(host, port, scheme, verify=True, cert=None):
        return PendingHTTP()
