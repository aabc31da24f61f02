"""Google as the issuer of identity tokens, with a key of ours and its certificates on loopback."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta
from types import TracebackType

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt

AUDIENCE = "https://tracklet.example/events/storage"
ACCOUNT = "push@project.iam.gserviceaccount.com"


class SigningKey:
    """A private key and the certificate of it."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, key_id)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self._signer = crypt.RSASigner.from_string(pem, key_id)  # type: ignore[no-untyped-call]  # untyped library

    def token(self, **claims: object) -> str:
        """A good token, except for `claims`; None leaves a claim out."""
        now = int(time.time())
        usual: dict[str, object] = {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "email": ACCOUNT,
            "email_verified": True,
            "iat": now - 10,
            "exp": now + 3600,
        }
        payload = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        signed: bytes = jwt.encode(self._signer, payload)  # type: ignore[no-untyped-call]  # untyped library
        return signed.decode()


def unsigned(token: str) -> str:
    """The claims of a token under the algorithm "none"."""
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


class CertificateServer:
    """An async context manager that serves the certificates of `keys` at `url` and counts how often."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.fetches = 0
        self.is_down = False
        self.url = ""

    async def __aenter__(self) -> CertificateServer:
        app = web.Application()
        app.router.add_get("/certs", self._certificates)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/certs"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _certificates(self, _: web.Request) -> web.Response:
        self.fetches += 1
        if self.is_down:
            return web.Response(status=500)
        certificates = {key.key_id: key.certificate for key in self.keys}
        return web.json_response(certificates, headers={"Cache-Control": "public, max-age=1000"})
