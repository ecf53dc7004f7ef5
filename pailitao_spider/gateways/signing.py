"""Signatures, step by step: of the router dialect and of the open platform.

Sources: the signing rules of Taobao's open platform (TOP), which the router dialect follows, and
those of 1688's open platform (AOP). Known results are in `signatures.json`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping

__all__ = ["SIGNERS", "sign", "sign_path"]


def _joined(params: Mapping[str, str], signature: str) -> bytes:
    """k1v1k2v2… of every parameter but the signature, keys in ASCII order."""
    return "".join(k + params[k] for k in sorted(params) if k != signature).encode()


def _md5(message: bytes, secret: bytes) -> str:
    return hashlib.md5(secret + message + secret, usedforsecurity=False).hexdigest()


def _hmac_md5(message: bytes, secret: bytes) -> str:
    return hmac.new(secret, message, "md5").hexdigest()


def _hmac_sha256(message: bytes, secret: bytes) -> str:
    return hmac.new(secret, message, "sha256").hexdigest()


SIGNERS: dict[str, Callable[[bytes, bytes], str]] = {
    "md5": _md5,
    "hmac": _hmac_md5,
    "hmac-sha256": _hmac_sha256,
}


def sign(params: Mapping[str, str], secret: str, sign_method: str = "md5") -> str:
    """Upper-case hex signature of a call's parameters; a `sign` among them is left out."""
    return SIGNERS[sign_method](_joined(params, "sign"), secret.encode()).upper()


def sign_path(path: str, params: Mapping[str, str], secret: str) -> str:
    """Upper-case hex HMAC-SHA1 of a URL's path from `param2` on and the call's parameters; an
    `_aop_signature` among them is left out.
    """
    message = path.encode() + _joined(params, "_aop_signature")
    return hmac.new(secret.encode(), message, "sha1").hexdigest().upper()
