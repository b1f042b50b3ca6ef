"""Endpoints: the method and path of the requests for each event type, for readers of the report.

Each generator writes `endpoints.json` beside its health, and rewrites it every few seconds and when
it seals. It is not evidence: if it is missing or damaged, the report shows no paths.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

import pyarrow.fs as pafs
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as validated

from headcount.ledger.side_file import SideFile

FORMAT = 1
MOST_TYPES = 1000
MOST_PER_TYPE = 32
"""Further event types, and further requests of one event type, are not recorded."""

SHOWN = 3
"""At most this many requests are shown for an event type.

Paths that have the same method and the same number of parts are shown as one path if there are more
of them than this. In it, a star replaces each part in which they differ.
"""

_LONGEST = 200
_ANY = "*"

_Text = Annotated[str, Field(max_length=2 * _LONGEST)]
_Request = tuple[_Text, _Text]
"""The method, and the path. A name that the scenario gave the request is in the path's place."""


@validated(frozen=True, slots=True)
class Endpoints:
    """The requests of each event type."""

    by_type: Annotated[
        dict[_Text, Annotated[tuple[_Request, ...], Field(max_length=MOST_PER_TYPE)]],
        Field(max_length=MOST_TYPES),
    ] = field(default_factory=dict)
    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT)


FILE = SideFile("endpoints.json", TypeAdapter(Endpoints), largest=1 << 22)


@dataclass(slots=True)
class EndpointRecord:
    """Collects the requests of each event type as they are made.

    `recorded` has the requests that were added before. A caller need not add them again: looking
    them up is faster.
    """

    recorded: set[tuple[str, str, str]] = field(default_factory=set)
    _by_type: dict[str, dict[tuple[str, str], None]] = field(default_factory=dict)

    def add(self, event_type: str, method: str, name: str) -> None:
        """Add a request."""
        known = self._by_type.get(event_type)
        if known is None:
            if len(self._by_type) >= MOST_TYPES:
                return
            known = self._by_type.setdefault(event_type, {})
        if len(known) < MOST_PER_TYPE:
            known[method, name] = None
            self.recorded.add((event_type, method, name))

    @property
    def endpoints(self) -> Endpoints:
        """The requests until now, without hosts and queries."""
        return Endpoints(
            {
                _short(event_type): tuple(
                    dict.fromkeys((_short(method), _path(name)) for method, name in known)
                )
                for event_type, known in self._by_type.items()
            }
        )


def read_endpoints(filesystem: pafs.FileSystem, location: str, generator: int) -> Endpoints:
    """Read a generator's endpoints from a ledger; none if unknown, for any reason."""
    return FILE.read(filesystem, location, generator) or Endpoints()


def endpoint_texts(endpoints: Iterable[Endpoints]) -> Mapping[str, tuple[str, ...]]:
    """Return the requests of each event type, such as `POST /swords`, of all generators."""
    merged: dict[str, dict[_Request, None]] = {}
    for of_generator in endpoints:
        for event_type, requests in of_generator.by_type.items():
            merged.setdefault(event_type, {}).update(dict.fromkeys(requests))
    return {event_type: tuple(_texts(requests)) for event_type, requests in merged.items()}


def _texts(requests: Iterable[_Request]) -> Iterator[str]:
    """Yield at most SHOWN requests, and then how many are left out, if any."""
    groups: dict[tuple[str, int], list[list[str]]] = {}
    for method, path in sorted(requests):
        groups.setdefault((method, path.count("/")), []).append(path.split("/"))
    texts = [
        f"{method} {path}"
        for (method, _), paths in groups.items()
        for path in (map("/".join, paths) if len(paths) <= SHOWN else [_common(paths)])
    ]
    yield from texts[:SHOWN]
    if len(texts) > SHOWN:
        yield f"and {len(texts) - SHOWN} more"


def _common(paths: Iterable[list[str]]) -> str:
    """Merge paths of equal length into one, with a star for each part in which they differ."""
    parts = zip(*paths, strict=True)
    return "/".join(part[0] if len(set(part)) == 1 else _ANY for part in parts)


def _path(name: str) -> str:
    """Remove host and query from a URL or a path; any other name is only shortened."""
    if name.startswith(("http://", "https://", "/")):
        try:
            name = urlsplit(name).path or "/"
        except ValueError:
            name = name.partition("?")[0]
    return _short(name)


def _short(text: str) -> str:
    """Shorten a text, and replace what UTF-8 cannot encode."""
    return text[:_LONGEST].encode(errors="replace").decode()
