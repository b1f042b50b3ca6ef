"""Amazon's login for kafka-python: a signed token, as librdkafka sends it."""

from kafka.errors import KafkaConnectionError
from kafka.net.sasl.oauth import AbstractTokenProvider

from headcount.kafka_settings.iam_token import IamTokenError, iam_token


class IamTokens(AbstractTokenProvider):  # type: ignore[misc] # kafka-python has no types
    """Signs a new token for every login: signing is too fast to be worth a cache."""

    def token(self) -> str:
        """Return a valid token.

        KafkaConnectionError if no token can be signed, UsageError if the signer or the region is
        missing.
        """
        try:
            return iam_token("")[0]
        except IamTokenError as error:
            raise KafkaConnectionError(str(error)) from None
