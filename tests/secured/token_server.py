"""An OIDC server: gives tokens for client credentials, and publishes the keys that sign them."""

import base64
import json
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from headcount.stack.ports import LOOPBACK

AUDIENCE = "kafka"


@dataclass(slots=True)
class TokenServer:
    """A running server; `life_s` is how long its tokens live, `tokens` are those that it issued.

    `secure_url` is the same server by TLS.
    """

    url: str
    secure_url: str
    client_id: str
    client_secret: str
    life_s: float = 300.0
    tokens: list[str] = field(default_factory=list)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    @property
    def issued(self) -> int:
        """How many tokens it issued."""
        return len(self.tokens)

    @property
    def token_url(self) -> str:
        """Where tokens come from."""
        return f"{self.secure_url}/token"

    @property
    def keys_url(self) -> str:
        """Where the public keys are (JWKS, RFC 7517)."""
        return f"{self.url}/keys"

    def answer(self, path: str, authorization: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        """Return status and document for a request."""
        if path == "/keys":
            numbers = self.key.public_key().public_numbers()
            size = (numbers.n.bit_length() + 7) // 8
            key = {"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig"}
            return 200, {
                "keys": [key | {"n": _number(numbers.n, size), "e": _number(numbers.e, 3)}]
            }
        login = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if login != f"{self.client_id}:{self.client_secret}":
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") != ["client_credentials"]:
            return 400, {"error": "unsupported_grant_type"}
        life_s = -60.0 if path == "/expired" else self.life_s
        self.tokens.append(self.token(life_s))
        token = {
            "access_token": self.tokens[-1],
            "token_type": "Bearer",
            "expires_in": self.life_s,
        }
        return 200, token

    def token(self, life_s: float) -> str:
        """Sign a token that is valid for `life_s` seconds."""
        now_s = time.time()
        claims = {
            "iss": self.url,
            "sub": self.client_id,
            "aud": AUDIENCE,
            "scope": "kafka",
            "iat": int(now_s),
            "exp": int(now_s + life_s),
        }
        head = {"alg": "RS256", "typ": "JWT", "kid": "1"}
        text = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_encoded(signature)}"


@contextmanager
def token_server(
    client_id: str, client_secret: str, certificate: trustme.LeafCert
) -> Iterator[TokenServer]:
    """Run a server for the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(*state.answer(self.path, "", {}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            authorization = self.headers.get("Authorization", "")
            self._send(*state.answer(self.path, authorization, urllib.parse.parse_qs(body)))

        def _send(self, status: int, document: Any) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    address = LOOPBACK, 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    with (
        ThreadingHTTPServer(address, Handler) as server,
        ThreadingHTTPServer(address, Handler) as by_tls,
    ):
        by_tls.socket = context.wrap_socket(by_tls.socket, server_side=True)
        urls = f"http://{LOOPBACK}:{server.server_port}", f"https://{LOOPBACK}:{by_tls.server_port}"
        state = TokenServer(*urls, client_id, client_secret)
        for one in (server, by_tls):
            threading.Thread(target=one.serve_forever, daemon=True).start()
        try:
            yield state
        finally:
            server.shutdown()
            by_tls.shutdown()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _number(value: int, size: int) -> str:
    return _encoded(value.to_bytes(size, "big"))
