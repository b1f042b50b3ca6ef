"""The login: tests whether a broker accepts it, and if not, says why."""

import socket
import time
from datetime import UTC, datetime
from typing import Any

from kafka.errors import KafkaError
from kafka.net.sasl import get_sasl_mechanism

from headcount.kafka.broker_protocol import authenticate, offered_mechanisms
from headcount.kafka_settings import kafka_python
from headcount.kafka_settings.settings import KafkaSettings
from headcount.kafka_settings.token_client import expires_at_s

_MOST_STEPS = 5


def why_refused(connection: socket.socket, settings: KafkaSettings) -> str:
    """Log in on a connection; return why that fails, empty if it succeeds.

    Raises OSError, struct.error and NoKafkaError if the broker does not answer, and UsageError if
    the signer of Amazon's tokens is missing.
    """
    options = kafka_python.client_options(settings)
    mechanism = options["sasl_mechanism"]  # OAUTHBEARER, if the settings name Amazon's login
    offered = offered_mechanisms(connection, mechanism)
    if offered is not None:
        listed = ", ".join(offered) or "none"
        return f"offers the SASL mechanisms {listed}, not {settings.mechanism}: set sasl.mechanism"
    try:
        reason = _why_denied(connection, get_sasl_mechanism(mechanism)(host="", **options))
        tokens = options.get("sasl_oauth_token_provider")
        return reason + (_expiry(tokens.token()) if reason and tokens else "")
    except KafkaError as error:
        return f"does not complete the login: {' '.join(map(str, error.args))}"


def _expiry(token: str) -> str:
    """Say that a token has expired, because brokers do not; empty if it has not."""
    expires_s = expires_at_s(token)
    if expires_s is None or expires_s > time.time():
        return ""
    when = datetime.fromtimestamp(expires_s, UTC).isoformat(timespec="seconds")
    return f"; the token expired at {when}: check the token server, and the clocks"


def _why_denied(connection: socket.socket, conversation: Any) -> str:
    for _ in range(_MOST_STEPS):
        response, error = authenticate(connection, conversation.auth_bytes())
        if error:
            return f"refuses the login: {error}"
        try:
            conversation.receive(response)
        except (ValueError, KeyError) as refusal:
            return f"does not prove that it knows the password: {refusal}"
        if conversation.is_done():
            break
    return "" if conversation.is_authenticated() else "refuses the login"
