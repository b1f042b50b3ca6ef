"""HTTP URLs: whether a text is one."""

import pytest

from headcount.cli.options.target_options import check_host
from headcount.errors import UsageError
from headcount.http_url import is_http_url

NEITHER = ["", "localhost:8000", "ftp://shop", "http://", "http://[abc", "http://a b", "http://a:x"]


@pytest.mark.parametrize("text", NEITHER)
def test_what_is_none(text: str) -> None:
    """A text that cannot be taken apart is none, and as --host it is refused by name."""
    assert not is_http_url(text)
    with pytest.raises(UsageError, match="--host must be http://"):
        check_host(text)


@pytest.mark.parametrize("text", ["http://shop", "https://[::1]:8443/api", "http://user:word@shop"])
def test_what_is_one(text: str) -> None:
    """With or without port, path and login; an IPv6 host, too."""
    assert is_http_url(text)
    assert check_host(text) == text
