"""The token client: fetches OAuth tokens by client credentials, and renews them in time.

librdkafka and Java do this themselves; kafka-python leaves it to a token provider, which this is.
"""

import base64
import functools
import json
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException

from kafka.errors import KafkaConnectionError
from kafka.net.sasl.oauth import AbstractTokenProvider

from headcount.kafka_settings.settings import TokenSource
from headcount.kafka_settings.tls_context import verifying_context

TIMEOUT_S = 10.0
RENEWED_AFTER = 0.8
"""The share of a token's life after which it is renewed, as in librdkafka and Java."""
DEFAULT_LIFE_S = 300.0


class TokenClient(AbstractTokenProvider):  # type: ignore[misc] # kafka-python has no types
    """Keeps one token until most of its life is over. Thread-safe."""

    def __init__(self, source: TokenSource) -> None:
        super().__init__()
        self._source = source
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at_s = 0.0

    def token(self) -> str:
        """Return a valid token. KafkaConnectionError, without secrets, if there is none."""
        with self._lock:
            if time.monotonic() >= self._renew_at_s:
                began_s = time.monotonic()
                self._token, life_s = self._fetch()
                self._renew_at_s = began_s + RENEWED_AFTER * life_s
            return self._token

    def extensions(self) -> dict[str, str]:
        """Return the extensions that are sent with each token (RFC 7628)."""
        return dict(self._source.extensions)

    def _fetch(self) -> tuple[str, float]:
        source = self._source
        secret = source.client_secret.get_secret_value()
        # RFC 6749 wants id and secret encoded as in a form. librdkafka and Java send them as they
        # are. So do we: a login must not be refused by one client and accepted by another.
        login = f"{source.client_id}:{secret}"
        form = {"grant_type": "client_credentials"}
        if source.scope:
            form["scope"] = source.scope
        request = urllib.request.Request(  # noqa: S310 - the user's own URL
            source.url,
            data=urllib.parse.urlencode(form).encode(),
            headers={
                "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
                "Accept": "application/json",
            },
        )
        context = verifying_context(source.ca_pem)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as response:  # noqa: S310
                answer = json.loads(response.read())
            return str(answer["access_token"]), float(answer.get("expires_in", DEFAULT_LIFE_S))
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            raise KafkaConnectionError(
                f"cannot fetch a token from {source.url}: {_reason(error)}"
            ) from None


@functools.lru_cache(maxsize=16)
def token_client(source: TokenSource) -> TokenClient:
    """Return the one client of a source, so that connections share a token."""
    return TokenClient(source)


def expires_at_s(token: str) -> float | None:
    """Return when a token expires, in Unix seconds; None if never, or if it is not a JWT."""
    _, _, rest = token.partition(".")
    payload, _, _ = rest.partition(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{payload}=="))
        return float(claims["exp"])
    except (ValueError, KeyError, TypeError):
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"it answers {error.code}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not accepted ({error.verify_message}): name its authority with "
            "https.ca.location"
        )
    if isinstance(error, urllib.error.URLError):
        return _reason(error.reason) if isinstance(error.reason, OSError) else str(error.reason)
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return "its response is not that of a token server: JSON with an access_token"
