"""The login: tries whether a broker accepts it, and says why not."""

import socket
from typing import Any

from kafka.errors import KafkaError
from kafka.net.sasl import get_sasl_mechanism

from headcount.kafka.broker_protocol import authenticate, offered_mechanisms
from headcount.kafka_settings import kafka_python
from headcount.kafka_settings.settings import KafkaSettings, Mechanism

_MOST_STEPS = 5


def why_refused(connection: socket.socket, settings: KafkaSettings) -> str:
    """Log in on a connection; return why that fails, empty if it succeeds.

    Raises OSError, struct.error and NoKafkaError if the broker does not answer. Amazon's login is
    not tried, because each client implements it differently.
    """
    mechanism = settings.mechanism
    assert mechanism is not None
    asked = Mechanism.OAUTHBEARER if mechanism is Mechanism.AWS_MSK_IAM else mechanism
    offered = offered_mechanisms(connection, asked)
    if offered is not None:
        listed = ", ".join(offered) or "none"
        return f"offers the SASL mechanisms {listed}, not {mechanism}: set sasl.mechanism"
    if mechanism is Mechanism.AWS_MSK_IAM:
        return ""
    try:
        options = kafka_python.client_options(settings)
        return _why_denied(connection, get_sasl_mechanism(mechanism.value)(host="", **options))
    except KafkaError as error:
        return f"cannot be logged in to: {' '.join(map(str, error.args))}"


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
