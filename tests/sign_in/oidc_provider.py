"""A provider of OpenID Connect for tests: a real server on this machine that signs what a test wants it to say."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "coursekeep-test", "a secret of the client, long enough for HMAC"
SUBJECT = "248289761001"


@dataclass
class OidcProvider:
    """The provider: who signs in there (`person`), and how it deviates (`token`, `header`, `key`, `information`)."""

    person: dict[str, Any]
    token: dict[str, Any] = field(default_factory=dict)
    information: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: Any = None
    wants_challenge: bool = True
    issuer: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the key of the signatures, and start to serve."""
        self.signing = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self, b"")

            def do_POST(self) -> None:
                provider.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer a request of the site or of a browser."""
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(parts.path)
        if parts.path == "/authorize":
            handler.send_response(302)
            handler.send_header("Location", self.approve(query))
            handler.end_headers()
            return
        if parts.path == "/end":
            self._send(handler, 200, "Signed out at the provider", "text/html")
            return
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        pages: dict[str, Callable[[], dict[str, Any]]] = {
            "/.well-known/openid-configuration": self.discovery,
            "/keys": self.keys,
            "/userinfo": lambda: {"sub": self.person["sub"], **self.person, **self.information},
            "/token": lambda: self.exchange(form, handler.headers.get("Authorization", "")),
        }
        found = pages[parts.path]()
        self._send(handler, 400 if "error" in found else 200, json.dumps(found), "application/json")

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, status: int, text: str, kind: str) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.end_headers()
        handler.wfile.write(text.encode())

    def approve(self, query: dict[str, str]) -> str:
        """Return the address to which a person who has signed in at the provider is led back, with a code."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def discovery(self) -> dict[str, Any]:
        """Return the discovery document."""
        ends = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "userinfo_endpoint": "userinfo",
            "jwks_uri": "keys",
            "end_session_endpoint": "end",
        }
        found = {name: f"{self.issuer}/{path}" for name, path in ends.items()}
        return {"issuer": self.issuer, **found, **self.document}

    def keys(self) -> dict[str, Any]:
        """Return the public key."""
        found = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.signing.public_key()))
        return {"keys": [{**found, "kid": "one", "alg": "RS256", "use": "sig"}]}

    def exchange(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """Return the tokens for a code, once, to the client that knows its secret and the verifier of the challenge."""
        asked = self.codes.pop(form.get("code", ""), None)
        said = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if asked is None or said != f"{CLIENT}:{SECRET}" or form["redirect_uri"] != asked["redirect_uri"]:
            return {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if self.wants_challenge and asked.get("code_challenge") != base64.urlsafe_b64encode(
            digest
        ).decode().rstrip("="):
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked.get("nonce"),
            **self.person,
            **self.token,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key: Any = None if self.algorithm == "none" else self.key or self.signing
        token = jwt.encode(claims, key, algorithm=self.algorithm, headers={"kid": "one"})
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": token}
