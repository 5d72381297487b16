"""Feature gates, /v1/operator/feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from consul.api.noun import Noun
from consul.api.options import BlockingRead, Scope
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Flag, Number, Text, number, segment, true_false

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class FeatureGate(TypedDict):
    """A feature that can be switched."""

    Name: str
    Stage: str
    MinVersion: str
    DefaultEnabled: bool
    BeforeMinimumVersion: bool
    Description: str
    Owner: str
    DesiredEnabled: bool
    #: Whether it is on.
    EffectiveEnabled: bool
    Eligible: bool
    Source: str
    Reason: str
    PolicyIndex: int
    StatusIndex: int


class FeatureGateSet(TypedDict):
    """What the switch has done."""

    #: False where *cas* did not fit.
    Applied: bool
    Feature: FeatureGate


class _Body(TypedDict, total=False):
    enabled: Flag


_GATE = Fields(_Body)


class Feature(Noun[F]):
    """Feature gates, /v1/operator/feature (2.1).  Older servers raise NotFound."""

    @endpoint("GET /v1/operator/features", since="2.1.0")
    def list(self, **options: Unpack[BlockingRead]) -> Call[Indexed[builtins.list[FeatureGate]]]:
        """List the feature gates: (index, gates).

        ``GET /v1/operator/features``
        """
        return self._read("list", "/v1/operator/features", answers.indexed, (), options)

    @endpoint("GET /v1/operator/feature/:name", since="2.1.0")
    def get(self, name: Text, **options: Unpack[BlockingRead]) -> Call[Indexed[FeatureGate]]:
        """Read a feature gate: (index, gate).

        Raises ServerError for an unknown name.

        ``GET /v1/operator/feature/:name``
        """
        path = f"/v1/operator/feature/{segment('name', name)}"
        return self._read("get", path, answers.indexed, (), options)

    @endpoint("PUT /v1/operator/feature/:name", repeatable=True, conditions=("cas",), since="2.1.0")
    def set(
        self,
        name: Text,
        enabled: Flag,
        cas: Number | None = None,
        **options: Unpack[Scope],
    ) -> Call[FeatureGateSet]:
        """Switch a feature on or off.

        With *cas* only where its ``PolicyIndex`` is this number; ``Applied`` says whether it was.

        Raises ServerError for an unknown name.

        ``PUT /v1/operator/feature/:name``
        """
        given = {"enabled": true_false("enabled", enabled) == "true", **options}
        params = (("cas", None if cas is None else number("cas", cas)),)
        path = f"/v1/operator/feature/{segment('name', name)}"
        return self._write("set", path, answers.value, _GATE, given, params)
