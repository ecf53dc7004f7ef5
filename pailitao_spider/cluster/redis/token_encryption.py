"""Tokens as they may stand in Redis: who reads them there learns nothing."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pailitao_spider.errors import UNDECODABLE
from pailitao_spider.gateways.calls import Credential
from pailitao_spider.keys.tokens import Token

__all__ = ["TokenCipher", "root"]


def root(credential: Credential, configured: Token) -> str:
    """Tells one pair of configured tokens from another, and tells nothing else about them."""
    text = f"{configured.access}\n{configured.refresh}"
    return hmac.digest(credential.app_secret.encode(), text.encode(), "sha256").hex()[:16]


class _Sealed(msgspec.Struct, array_like=True):
    access: str | None
    refresh: str | None
    renew_at: float | None = None
    ends_at: float | None = None


class TokenCipher:
    """Seals by a key that follows from the app secret; what is copied elsewhere does not open.

    `place` is the name of the key in Redis.
    """

    def __init__(self, credential: Credential, place: str) -> None:
        derivation = HKDF(SHA256(), 32, salt=credential.owner.encode(), info=place.encode())
        key = derivation.derive(credential.app_secret.encode())
        self._fernet = Fernet(urlsafe_b64encode(key))

    def sealed(self, token: Token) -> bytes:
        plain = _Sealed(token.access, token.refresh, token.renew_at, token.ends_at)
        return self._fernet.encrypt(msgspec.json.encode(plain))

    def opened(self, record: bytes, version: int) -> Token | None:
        """None for what this seal has not sealed."""
        try:
            kept = msgspec.json.decode(self._fernet.decrypt(record), type=_Sealed)
        except (InvalidToken, *UNDECODABLE):
            return None
        return Token(kept.access, kept.refresh, version, kept.renew_at, kept.ends_at)
