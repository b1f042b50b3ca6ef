"""The format of messages: options that fit together, and no secret in what is kept or shown."""

import pytest

from headcount.errors import UsageError
from headcount.run.message_format import (
    BUILT_IN,
    FormatSettings,
    check_registry,
    format_names,
    parse_format_settings,
)

NAMES = (*BUILT_IN, "own")
SECRET = "hunter2"  # noqa: S105 - not a real secret


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (("", "", ""), FormatSettings()),
        (("own", "/a~1b/0", ""), FormatSettings("own", "/a~1b/0", "")),
        (
            ("avro", "", "http://registry:8081/apis/ccompat/v7"),
            FormatSettings("avro", "", "http://registry:8081/apis/ccompat/v7"),
        ),
        (
            ("protobuf", "/data", f"https://[::1]:8081/?token={SECRET}#top"),
            FormatSettings("protobuf", "/data", "https://[::1]:8081/"),
        ),
        (("raw", "", ""), FormatSettings("raw")),
    ],
)
def test_what_options_mean(options: tuple[str, str, str], settings: FormatSettings) -> None:
    """A registry's URL is kept without its query."""
    assert parse_format_settings(*options, NAMES) == settings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("xml", "", ""), "--format must be one of json, cloudevents, debezium, avro, "),
        (("json", "data", ""), "--compare-at must be a JSON pointer, such as /data; got 'data'"),
        (("json", "/a~2", ""), "--compare-at must be a JSON pointer"),
        (("raw", "/data", ""), "--format raw compares no content: leave out --compare-at"),
        (("json", "", "registry:8081"), "--schema-registry must be a URL such as "),
        (("json", "", f"me:{SECRET}@registry"), "--schema-registry must not contain a password"),
    ],
)
def test_options_that_do_not_fit(options: tuple[str, str, str], message: str) -> None:
    """They are refused on one line that names the option and contains no secret."""
    with pytest.raises(UsageError) as caught:
        parse_format_settings(*options, NAMES)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["avro", "protobuf", "json-schema"])
def test_a_missing_registry(name: str) -> None:
    """Schemas come from a registry, which Kafka's settings may name, too."""
    with pytest.raises(UsageError, match=f"--format {name} .*: add --schema-registry URL"):
        check_registry(FormatSettings(name), str)
    check_registry(FormatSettings(name), lambda: "http://registry:8081")
    check_registry(FormatSettings(name, "", "http://registry:8081"), str)
    check_registry(FormatSettings("json"), str)


def test_each_format_has_one_name() -> None:
    """Those of this package come first, and an entry point of theirs adds no second name."""
    names = format_names()
    assert names[: len(BUILT_IN)] == BUILT_IN
    assert len(set(names)) == len(names)
