"""A registry's URL: an address that can be shown, whether an option or a setting names it."""

from collections.abc import Callable

import pytest

from headcount.errors import UsageError
from headcount.kafka_settings import config_file
from headcount.kafka_settings.registry_settings import RegistrySettings
from headcount.kafka_settings.registry_url import parse_registry_url
from headcount.run.message_format import BUILT_IN, parse_format_settings

SECRET = "hunter2"  # noqa: S105 - not a real secret


def by_option(url: str) -> str:
    """Set it by an option of the command line."""
    return parse_format_settings("avro", "", url, BUILT_IN).schema_registry


def by_setting(url: str) -> str:
    """Set it in a file of Kafka's settings."""
    return config_file.load_registry(None, (f"schema.registry.url={url}",), {}).url


def by_manifest(url: str) -> str:
    """Put it, as the manifest of a run has it, into settings without one."""
    return RegistrySettings().with_url(url).url


WAYS: tuple[Callable[[str], str], ...] = (parse_registry_url, by_option, by_setting, by_manifest)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("", ""),
        ("http://registry:8081/apis/ccompat/v7", "http://registry:8081/apis/ccompat/v7"),
        (f"https://[::1]:8081/?token={SECRET}#top", "https://[::1]:8081/"),
        ("http://one:8081, https://two", "http://one:8081,https://two"),
        (f"http://one/?token=a,{SECRET}, https://two?b", "http://one/,https://two"),
    ],
)
def test_what_is_kept(way: Callable[[str], str], url: str, kept: str) -> None:
    """No query, which may be secret; several URLs are those of one registry."""
    assert way(url) == kept


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "url",
    [
        *("registry:8081", "ftp://registry", "http://", "http://a b", "http://registry:port"),
        *("http://registry:0", "http://one,", "http://one,two", f"ftp://registry/?token={SECRET}"),
    ],
)
def test_what_is_no_url(way: Callable[[str], str], url: str) -> None:
    """The error says what one looks like, on a line without a secret."""
    with pytest.raises(UsageError, match=r"must be a URL such as https://registry:8081") as caught:
        way(url)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("url", [f"http://me:1/{SECRET}@registry", f"me:{SECRET}@registry"])
def test_a_login(way: Callable[[str], str], url: str) -> None:
    """If it cannot be told from the rest, the URL is refused, and the error shows none of it."""
    with pytest.raises(UsageError, match=r"schema\.registry\.basic\.auth\.user\.info") as caught:
        way(url)
    assert SECRET not in str(caught.value)


def test_the_error_names_what_was_set() -> None:
    """The option, or the setting."""
    with pytest.raises(UsageError, match=r"^--schema-registry must be"):
        by_option("registry")
    with pytest.raises(UsageError, match=r"schema\.registry\.url must be"):
        by_setting("registry")
