"""HTTP URLs: whether a text is one."""

import pytest

from headcount.cli.options.target_options import check_host
from headcount.errors import UsageError
from headcount.http_url import is_http_url

NEITHER = ["", "localhost:8000", "ftp://shop", "http://", "http://[abc", "http://a b", "http://a:x"]


@pytest.mark.parametrize("text", NEITHER)
def test_invalid_urls(text: str) -> None:
    """As --host they are refused, with an error that names the option."""
    assert not is_http_url(text)
    with pytest.raises(UsageError, match="--host must be http://"):
        check_host(text)


@pytest.mark.parametrize("text", ["http://shop", "https://[::1]:8443/api", "http://user:word@shop"])
def test_valid_urls(text: str) -> None:
    """With or without port, path and login; an IPv6 host, too."""
    assert is_http_url(text)
    assert check_host(text) == text
