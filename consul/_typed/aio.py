"""The client as type checkers see it in `consul.aio`.

Written by tools/typed.py; change that or the nouns, and run ``python tools/typed.py``.
"""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

import builtins
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeAlias

from typing_extensions import Unpack

from consul import base
from consul.api.noun import Noun
from consul.callback import Indexed
from consul.request import Duration, Key, ReadOptions, ScopeOptions, WriteOptions


class ACL(Noun):
    def list(
        self, token: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, builtins.list[Any]]: ...

    def info(
        self, acl_id: str, token: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, dict[str, Any] | None]: ...

    def create(
        self,
        name: str | None = None,
        type: str = "client",
        rules: str | None = None,
        acl_id: str | None = None,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, str]: ...

    def update(
        self,
        acl_id: str,
        name: str | None = None,
        type: str | None = None,
        rules: str | None = None,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, str]: ...

    def clone(
        self, acl_id: str, token: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, str]: ...

    def destroy(
        self, acl_id: str, token: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, bool]: ...


class Agent(Noun):
    def self(self, **options: Unpack[WriteOptions]) -> Coroutine[Any, Any, dict[str, Any]]: ...

    def services(
        self, *, filter: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...

    def checks(
        self, *, filter: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...

    def members(
        self, wan: bool = False, *, filter: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, list[Any]]: ...

    def maintenance(
        self, enable: bool | str, reason: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, bool]: ...

    def join(
        self, address: str, wan: bool | str = False, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, bool]: ...

    def force_leave(
        self, node: str, *, prune: bool = False, wan: bool = False, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, bool]: ...

    class Service(Noun):
        def register(
            self,
            name: str,
            service_id: str | None = None,
            address: str | None = None,
            port: int | None = None,
            tags: Sequence[str] | None = None,
            check: Mapping[str, Any] | None = None,
            token: str | None = None,
            script: str | Sequence[str] | None = None,
            interval: Duration | None = None,
            ttl: Duration | None = None,
            http: str | None = None,
            timeout: Duration | None = None,
            enable_tag_override: bool = False,
            *,
            meta: Mapping[str, str] | None = None,
            weights: Mapping[str, int] | None = None,
            tagged_addresses: Mapping[str, Mapping[str, Any]] | None = None,
            extra_checks: Sequence[Mapping[str, Any]] | None = None,
            replace_existing_checks: bool = False,
            extra: Mapping[str, Any] | None = None,
            **options: Unpack[ScopeOptions],
        ) -> Coroutine[Any, Any, bool]: ...

        def deregister(
            self, service_id: str, *, token: str | None = None, **options: Unpack[WriteOptions]
        ) -> Coroutine[Any, Any, bool]: ...

        def maintenance(
            self,
            service_id: str,
            enable: bool | str,
            reason: str | None = None,
            *,
            token: str | None = None,
            **options: Unpack[WriteOptions],
        ) -> Coroutine[Any, Any, bool]: ...

    class Check(Noun):
        def register(
            self,
            name: str,
            check: Mapping[str, Any] | None = None,
            check_id: str | None = None,
            notes: str | None = None,
            service_id: str | None = None,
            token: str | None = None,
            script: str | Sequence[str] | None = None,
            interval: Duration | None = None,
            ttl: Duration | None = None,
            http: str | None = None,
            timeout: Duration | None = None,
            **options: Unpack[ScopeOptions],
        ) -> Coroutine[Any, Any, bool]: ...

        def deregister(
            self, check_id: str, *, token: str | None = None, **options: Unpack[WriteOptions]
        ) -> Coroutine[Any, Any, bool]: ...

        def ttl_pass(
            self,
            check_id: str,
            notes: str | None = None,
            token: str | None = None,
            **options: Unpack[WriteOptions],
        ) -> Coroutine[Any, Any, bool]: ...

        def ttl_fail(
            self,
            check_id: str,
            notes: str | None = None,
            token: str | None = None,
            **options: Unpack[WriteOptions],
        ) -> Coroutine[Any, Any, bool]: ...

        def ttl_warn(
            self,
            check_id: str,
            notes: str | None = None,
            token: str | None = None,
            **options: Unpack[WriteOptions],
        ) -> Coroutine[Any, Any, bool]: ...

    service: Service
    check: Check


class Catalog(Noun):
    def register(
        self,
        node: str,
        address: str,
        service: Mapping[str, Any] | None = None,
        check: Mapping[str, Any] | None = None,
        dc: str | None = None,
        token: str | None = None,
        *,
        node_meta: Mapping[str, str] | None = None,
        node_id: str | None = None,
        tagged_addresses: Mapping[str, str] | None = None,
        skip_node_update: bool | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, bool]: ...

    def deregister(
        self,
        node: str,
        service_id: str | None = None,
        check_id: str | None = None,
        dc: str | None = None,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, bool]: ...

    def datacenters(self, **options: Unpack[WriteOptions]) -> Coroutine[Any, Any, list[Any]]: ...

    def nodes(
        self,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def services(
        self,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def node(
        self,
        node: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def service(
        self,
        service: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        tag: str | Sequence[str] | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...


class Coordinate(Noun):
    def datacenters(self, **options: Unpack[WriteOptions]) -> Coroutine[Any, Any, list[Any]]: ...

    def nodes(
        self,
        dc: str | None = None,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def node(
        self,
        node: str,
        dc: str | None = None,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...


class Event(Noun):
    def fire(
        self,
        name: str,
        body: str | bytes | None = "",
        node: str | None = None,
        service: str | None = None,
        tag: str | None = None,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...

    def list(
        self,
        name: str | None = None,
        index: int | str | None = None,
        wait: Duration | None = None,
        token: str | None = None,
        *,
        node: str | None = None,
        service: str | None = None,
        tag: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...


class Health(Noun):
    def service(
        self,
        service: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        passing: bool | None = None,
        tag: str | Sequence[str] | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def checks(
        self,
        service: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def state(
        self,
        name: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def node(
        self,
        node: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        dc: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...


class KV(Noun):
    def get(
        self,
        key: Key,
        index: int | str | None = None,
        recurse: bool = False,
        wait: Duration | None = None,
        token: str | None = None,
        consistency: str | None = None,
        keys: bool = False,
        separator: str | None = None,
        dc: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def put(
        self,
        key: Key,
        value: str | bytes | None,
        cas: int | str | None = None,
        flags: int | str | None = None,
        acquire: str | None = None,
        release: str | None = None,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, bool]: ...

    def delete(
        self,
        key: Key,
        recurse: bool | None = None,
        cas: int | str | None = None,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, bool]: ...


class Operator(Noun):
    def raft_config(
        self, **options: Unpack[ReadOptions]
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...


class Query(Noun):
    def list(
        self, dc: str | None = None, token: str | None = None, **options: Unpack[ReadOptions]
    ) -> Coroutine[Any, Any, builtins.list[Any]]: ...

    def create(
        self,
        service: str,
        name: str | None = None,
        dc: str | None = None,
        session: str | None = None,
        token: str | None = None,
        nearestn: int | None = None,
        datacenters: Sequence[str] | None = None,
        onlypassing: bool | None = None,
        tags: Sequence[str] | None = None,
        ttl: Duration | None = None,
        regexp: str | None = None,
        *,
        capture_token: str | None = None,
        template: Mapping[str, Any] | None = None,
        near: str | None = None,
        service_fields: Mapping[str, Any] | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...

    def update(
        self,
        query_id: str,
        service: str | None = None,
        name: str | None = None,
        dc: str | None = None,
        session: str | None = None,
        token: str | None = None,
        nearestn: int | None = None,
        datacenters: Sequence[str] | None = None,
        onlypassing: bool | None = None,
        tags: Sequence[str] | None = None,
        ttl: Duration | None = None,
        regexp: str | None = None,
        *,
        capture_token: str | None = None,
        template: Mapping[str, Any] | None = None,
        near: str | None = None,
        service_fields: Mapping[str, Any] | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, bool]: ...

    def get(
        self,
        query_id: str,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, builtins.list[Any]]: ...

    def delete(
        self,
        query_id: str,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, bool]: ...

    def execute(
        self,
        query: str,
        token: str | None = None,
        dc: str | None = None,
        near: str | None = None,
        limit: int | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...

    def explain(
        self,
        query: str,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...


class Session(Noun):
    def create(
        self,
        name: str | None = None,
        node: str | None = None,
        checks: Sequence[str] | None = None,
        lock_delay: Duration | None = 15,
        behavior: str = "release",
        ttl: Duration | None = None,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, str]: ...

    def destroy(
        self,
        session_id: str,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, bool]: ...

    def list(
        self,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def node(
        self,
        node: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def info(
        self,
        session_id: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Coroutine[Any, Any, Indexed[Any]]: ...

    def renew(
        self,
        session_id: str,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...


class Status(Noun):
    def leader(
        self, *, token: str | None = None, dc: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, str]: ...

    def peers(
        self, *, token: str | None = None, dc: str | None = None, **options: Unpack[WriteOptions]
    ) -> Coroutine[Any, Any, list[Any]]: ...


class Txn(Noun):
    def put(
        self,
        payload: Sequence[Mapping[str, Any]],
        *,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Coroutine[Any, Any, dict[str, Any]]: ...


_ACL = ACL
_Agent = Agent
_Catalog = Catalog
_Coordinate = Coordinate
_Event = Event
_Health = Health
_KV = KV
_Operator = Operator
_Query = Query
_Session = Session
_Status = Status
_Txn = Txn


class Consul(base.Client):
    ACL: TypeAlias = _ACL
    Agent: TypeAlias = _Agent
    Catalog: TypeAlias = _Catalog
    Coordinate: TypeAlias = _Coordinate
    Event: TypeAlias = _Event
    Health: TypeAlias = _Health
    KV: TypeAlias = _KV
    Operator: TypeAlias = _Operator
    Query: TypeAlias = _Query
    Session: TypeAlias = _Session
    Status: TypeAlias = _Status
    Txn: TypeAlias = _Txn

    acl: _ACL
    agent: _Agent
    catalog: _Catalog
    coordinate: _Coordinate
    event: _Event
    health: _Health
    kv: _KV
    operator: _Operator
    query: _Query
    session: _Session
    status: _Status
    txn: _Txn

    @property
    def describe(self) -> base.Consul: ...

    def wait_for_leader(self, timeout: float | str | None = None) -> Coroutine[Any, Any, str]: ...
