"""Access tokens for a service account, given for assertions signed with its key."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

from cloud_server.answers import Answer, Refused

_EMAIL = "pipeline@{project}.iam.gserviceaccount.com"
_SECONDS = 3600
# Whatever the key's token_uri: Google's library writes this into every assertion.
_AUDIENCE = "https://oauth2.googleapis.com/token"


@cache
def private_key() -> str:
    """An RSA key in PEM, made once per process."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_key() -> str:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(private_key().encode(), password=None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


class Tokens:
    """The tokens that are good, each until a time."""

    def __init__(self, url: str, project: str) -> None:
        self.url, self.project = url, project
        self.given: dict[str, float] = {}

    @property
    def email(self) -> str:
        return _EMAIL.format(project=self.project)

    def write(self, file: Path) -> Path:
        """A service account's key file, as Google's console downloads it."""
        content = {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": "1",
            "private_key": private_key(),
            "client_email": self.email,
            "client_id": "1",
            "token_uri": f"{self.url}/token",
            "universe_domain": "googleapis.com",
        }
        file.write_text(json.dumps(content), encoding="utf-8")
        return file

    def expire(self) -> None:
        self.given.clear()

    def answer(self, body: bytes) -> Answer:
        """https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests"""
        from google.auth import jwt

        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return Answer(400, {"error": "unsupported_grant_type", "error_description": "Invalid grant_type"})
        try:
            claims = jwt.decode(form.get("assertion", ""), certs=public_key(), audience=_AUDIENCE)
        except ValueError as error:
            return Answer(400, {"error": "invalid_grant", "error_description": str(error)})
        if claims["iss"] != self.email or not claims.get("scope"):
            return Answer(400, {"error": "invalid_grant", "error_description": "Invalid issuer or scope"})
        token = f"ya29.{uuid.uuid4().hex}"
        self.given[token] = time.time() + _SECONDS
        return Answer(200, {"access_token": token, "expires_in": _SECONDS, "token_type": "Bearer"})

    def check(self, headers: Mapping[str, str]) -> None:
        """Refused with 401, in Google's words, for a request without a token that is good."""
        text = next((value for key, value in headers.items() if key.lower() == "authorization"), "")
        kind, _, token = text.partition(" ")
        if kind != "Bearer" or self.given.get(token, 0) <= time.time():
            raise unauthorized()


def unauthorized(message: str = "") -> Refused:
    text = message or (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid"
        " authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return Refused(401, "authError", text, {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'})
