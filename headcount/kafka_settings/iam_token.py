"""Tokens for Amazon MSK, signed with the account's own credentials (the extra `kafka-iam`)."""

import functools
import os
from collections.abc import Callable

from headcount.errors import UsageError
from headcount.installation import remedy

_MS = 1000


class IamTokenError(Exception):
    """No token can be signed; the message says why."""


def iam_token(_config: str) -> tuple[str, float]:
    """Return a token for Amazon MSK, and when it expires, in Unix seconds.

    UsageError if the signer or the region is missing, IamTokenError if the credentials are.
    """
    try:
        token, expires_ms = _signer()()
    except AttributeError:  # which the signer raises if there are no credentials
        raise IamTokenError(
            "AWS credentials are missing: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        ) from None
    except _botocore_errors() as error:
        raise IamTokenError(f"the AWS credentials cannot be used: {error}") from None
    return token, expires_ms / _MS


def _botocore_errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra

    return BotoCoreError, ClientError, ValueError


@functools.cache
def _signer() -> Callable[[], tuple[str, int]]:
    try:
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider  # noqa: PLC0415 - an extra
        from botocore.session import Session  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            f"sasl.mechanism=AWS_MSK_IAM needs the AWS MSK IAM signer: {remedy('kafka-iam')}"
        ) from None
    # Amazon's other clients read AWS_REGION first; botocore does not.
    region = os.environ.get("AWS_REGION") or Session().get_config_variable("region")
    if not region:
        raise UsageError("sasl.mechanism=AWS_MSK_IAM needs a region: set AWS_REGION")
    return functools.partial(MSKAuthTokenProvider.generate_auth_token, region)
