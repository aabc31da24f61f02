"""
Whether a token was signed by Google for one service account of ours.

The signature, the times and the audience are checked by google-auth; what it leaves out is checked here: the issuer, the
account, and that its address is verified. Google's certificates are kept for as long as they say. Times are seconds.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping

import aiohttp
from google.auth import exceptions as auth_errors
from google.auth import jwt

from tracking.errors import OptionError

GOOGLE_CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
ISSUER = "https://accounts.google.com"

_CLOCK_SKEW_S = 10
_SHORTEST_S, _USUAL_S, _LONGEST_S = 300, 3600, 86400
_REFETCH_S = 60
_FETCH_TIMEOUT_S = 5
_CERTIFICATES_LIMIT_BYTES = 256 * 1024


class InvalidTokenError(Exception):
    """A token that is not the one which was agreed on; the text says why, for the log."""


class CertificatesUnavailableError(Exception):
    """Google's certificates could not be had: whether the token is good is not known."""


class OidcVerifier:
    """Checks tokens for one audience and one service account. Raises `OptionError` where either is missing."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        audience: str,
        service_account: str,
        certificates_url: str = GOOGLE_CERTIFICATES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not audience or not service_account:
            missing = "TRACKLET_OIDC_SERVICE_ACCOUNT" if audience else "TRACKLET_OIDC_AUDIENCE"
            raise OptionError(missing, "empty", "TRACKLET_OIDC_AUDIENCE and TRACKLET_OIDC_SERVICE_ACCOUNT belong together")
        self._session = session
        self._audience = audience
        self._service_account = service_account
        self._url = certificates_url
        self._clock = clock
        self._certificates: Mapping[str, str] = {}
        self._fetched_at = -float("inf")
        self._good_until = -float("inf")
        self._fetching = asyncio.Lock()

    async def verify(self, token: str) -> None:
        """Returns for a good token. Raises `InvalidTokenError`, `CertificatesUnavailableError`."""
        key_id = _key_id(token)
        certificates = await self._current(key_id)
        try:
            claims = jwt.decode(  # type: ignore[no-untyped-call]  # untyped library
                token, certs=certificates, audience=self._audience, clock_skew_in_seconds=_CLOCK_SKEW_S
            )
        except (auth_errors.GoogleAuthError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidTokenError(type(error).__name__) from error
        for claim, wanted in (("iss", ISSUER), ("email", self._service_account), ("email_verified", True)):
            if claims.get(claim) != wanted:
                raise InvalidTokenError(f"another {claim}")

    async def _current(self, key_id: str) -> Mapping[str, str]:
        """
        Return the certificates, fetched when they are old, or when they lack a key: at most once a minute, since anyone can
        ask.
        """
        async with self._fetching:
            now = self._clock()
            unknown = key_id not in self._certificates and now - self._fetched_at >= _REFETCH_S
            if now >= self._good_until or unknown:
                await self._fetch(now)
            return self._certificates

    async def _fetch(self, now: float) -> None:
        try:
            async with self._session.get(self._url, timeout=aiohttp.ClientTimeout(total=_FETCH_TIMEOUT_S)) as answer:
                answer.raise_for_status()
                text = b""
                async for piece in answer.content.iter_any():
                    text += piece
                    if len(text) > _CERTIFICATES_LIMIT_BYTES:
                        raise CertificatesUnavailableError("too large")
                certificates = _pem_by_key(text)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CertificatesUnavailableError(type(error).__name__) from error
        self._certificates = certificates
        self._fetched_at = now
        self._good_until = now + _lifetime_s(answer.headers.get("Cache-Control", ""))


def _pem_by_key(text: bytes) -> Mapping[str, str]:
    """Certificates in PEM by key id."""
    found = json.loads(text)
    if not isinstance(found, dict) or not all(isinstance(pem, str) for pem in found.values()):
        raise ValueError("no certificates")
    return found


def _key_id(token: str) -> str:
    try:
        header = jwt.decode_header(token)  # type: ignore[no-untyped-call]  # untyped library
        return str(header.get("kid", ""))
    except (auth_errors.GoogleAuthError, ValueError, TypeError, AttributeError) as error:
        raise InvalidTokenError(type(error).__name__) from error


def _lifetime_s(cache_control: str) -> float:
    age = re.search(r"max-age=(\d{1,9})", cache_control)
    return min(max(int(age[1]), _SHORTEST_S), _LONGEST_S) if age else _USUAL_S
