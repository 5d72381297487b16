"""Who signs the JWTs of tests: an auth method of type "jwt" believes its public key."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Issuer:
    """An issuer of JWTs with a key of its own."""

    name = "tests"

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())

    @property
    def public_key(self) -> str:
        """PEM of the public key."""
        form = PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(Encoding.PEM, form).decode()

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of an auth method that believes this issuer."""
        return {
            "BoundIssuer": self.name,
            "JWTValidationPubKeys": [self.public_key],
            "JWTSupportedAlgs": ["ES256"],
            "ClaimMappings": {"sub": "name"},
        }

    def jwt(self, subject: str, age: int = 0) -> str:
        """A JWT for *subject*, valid for five minutes from *age* seconds ago."""
        begin = int(time.time()) - age
        claims = {"iss": self.name, "sub": subject, "iat": begin, "nbf": begin, "exp": begin + 300}
        parts = (json.dumps(part).encode() for part in ({"alg": "ES256", "typ": "JWT"}, claims))
        signed = ".".join(_encoded(part) for part in parts)
        numbers = decode_dss_signature(self._key.sign(signed.encode(), ECDSA(SHA256())))
        return f"{signed}.{_encoded(b''.join(each.to_bytes(32) for each in numbers))}"


def _encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()
