"""Types of option values: times as Locust and as Headcount write them, and timestamps."""

import re
from datetime import datetime
from typing import Any

import click

from headcount.errors import UsageError
from headcount.time_span import seconds_of

_RUN_TIME = re.compile(r"\d+|(?=\d)(\d+h)?(\d+m)?(\d+s)?")


class RunTime(click.ParamType[str]):
    """A time as Locust writes it: whole hours, minutes and seconds, not 0."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text unchanged. BadParameter if Locust could not read it."""
        if not _RUN_TIME.fullmatch(str(value)) or not str(value).strip("0hms"):
            self.fail(f"must be a time such as 30s, 2m or 1h30m, got {value!r}", param, ctx)
        return str(value)


class Seconds(click.ParamType[float]):
    """A time such as 500ms, converted to seconds; it may be 0."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds. BadParameter if the text is not a time."""
        try:
            return seconds_of("it", str(value))
        except UsageError as error:
            self.fail(str(error).removeprefix("it "), param, ctx)


class Timestamp(click.ParamType[int]):
    """A point in time in ISO 8601, converted to ns of Unix time."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the ns of Unix time; a time without an offset is local time."""
        if isinstance(value, int):
            return value
        try:
            return int(datetime.fromisoformat(value).timestamp() * 1e6) * 1000
        except ValueError:
            self.fail(
                f"must be a time such as 2026-11-23T22:16:02+00:00, got {value!r}", param, ctx
            )
