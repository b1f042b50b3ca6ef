"""The proxy: the JVM gets the environment's settings, and messages show no password."""

import pytest

from headcount.errors import UsageError
from headcount.stack.jvm.proxy_settings import proxy_options


def test_no_proxy_no_options() -> None:
    """Without a proxy there are no options."""
    assert proxy_options({"NO_PROXY": "localhost"}) == []


def test_proxies_and_exceptions_are_passed_on() -> None:
    """Host, port, user and exceptions have Java's names and syntax."""
    options = proxy_options(
        {
            "HTTPS_PROXY": "http://ann:p%40ss@proxy.test:3128",
            "http_proxy": "plain.test",
            "NO_PROXY": "localhost,.corp.test:443 *.lab.test",
        }
    )
    assert set(options) == {
        "-Dhttp.proxyHost=plain.test",
        "-Dhttp.proxyPort=80",
        "-Dhttps.proxyHost=proxy.test",
        "-Dhttps.proxyPort=3128",
        "-Dhttp.proxyUser=ann",
        "-Dhttp.proxyPassword=p@ss",
        "-Djdk.http.auth.tunneling.disabledSchemes=",
        "-Dhttp.nonProxyHosts=localhost|*.localhost|corp.test|*.corp.test|lab.test|*.lab.test",
    }


@pytest.mark.parametrize("url", ["socks5://u:secret@h:1", "http://u:secret@h:port", "http://"])
def test_a_bad_proxy_is_refused_without_its_password(url: str) -> None:
    """The message names the variable, but not the value, which may hold a password."""
    with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
        proxy_options({"HTTPS_PROXY": url})
    assert "secret" not in str(caught.value)
