"""The format of messages: how a service writes its events into the topic, as an option names it."""

from dataclasses import dataclass
from typing import Final

JSON: Final = "json"
RAW: Final = "raw"


@dataclass(frozen=True, slots=True)
class FormatSettings:
    """A format by name, where the event is in the decoded message, and the schema registry.

    `compare_at` is a JSON pointer; empty for the format's own place. `schema_registry` is a URL
    without secrets; empty if the format needs none.
    """

    name: str = JSON
    compare_at: str = ""
    schema_registry: str = ""
