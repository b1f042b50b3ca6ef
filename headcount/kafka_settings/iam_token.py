"""Tokens for Amazon MSK, signed with the account's own credentials (the extra `kafka-iam`)."""

import functools
from collections.abc import Callable

from headcount.errors import UsageError
from headcount.installation import remedy

_MS = 1000


def iam_token(_config: str) -> tuple[str, float]:
    """Return a token for Amazon MSK, and when it expires, in Unix seconds."""
    token, expires_ms = _signer()()
    return token, expires_ms / _MS


@functools.cache
def _signer() -> Callable[[], tuple[str, int]]:
    try:
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider  # noqa: PLC0415 - an extra
        from botocore.session import Session  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            f"sasl.mechanism=AWS_MSK_IAM needs Amazon's signer: {remedy('kafka-iam')}"
        ) from None
    region = Session().get_config_variable("region")
    if not region:
        raise UsageError("sasl.mechanism=AWS_MSK_IAM needs the region: set AWS_REGION")
    return functools.partial(MSKAuthTokenProvider.generate_auth_token, region)
