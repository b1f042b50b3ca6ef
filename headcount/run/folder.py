"""A run's folder and manifest: all that is needed to judge the run, now or in a year.

reports/<run-id>/
    run.json      the manifest: written before the first request
    generators.json  which generators have begun; rewritten as they begin
    schedule.json  with --rate: when its schedule began, and each generator's due arrivals
    marks.jsonl   what happened to the parts during the run (see `marks.py`)
    abort.json    the threshold that stopped the test, if one did
    locust.json   how Locust ended, once it has (see `locust_exit.py`)
    end.json      where the topic ended once the run was over
    ledger/       the generators' ledgers (see `headcount/ledger`), unless kept elsewhere
    broker/       the embedded broker's data, if there was one
    game.sqlite3  the service's state, if `headcount` started it without another database
    stored.parquet  the service's state when the run was over (see `stored_state.py`)
    follow/       how far a followed run was read, until it is judged
    logs/         the log of each part
    verdict.json, report.html, summary.md, junit.xml, and tables as CSV (see `analysis/report`)
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from headcount.errors import EvidenceError, UsageError
from headcount.files import write_atomically
from headcount.run.ids import is_run_id
from headcount.run.locust_exit import LocustExit
from headcount.run.manifest import FORMAT, LEDGER, Abort, End, Generators, Manifest, Scheduled

_Document = TypeVar("_Document")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of a run's folder."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's id, which is the folder's name."""
        return self.path.name

    @property
    def logs(self) -> Path:
        """The folder of the parts' logs."""
        return self.path / "logs"

    @property
    def marks_path(self) -> Path:
        """The file of marks: what happened to the parts during the run (see `marks.py`)."""
        return self.path / "marks.jsonl"

    @property
    def manifest_path(self) -> Path:
        """The manifest's path."""
        return self.path / "run.json"

    def create(self) -> None:
        """Create the folder. UsageError if it exists already or cannot be created."""
        with self._creation():
            self.path.mkdir(parents=True)
            self.logs.mkdir()

    def begin(self, manifest: Manifest) -> None:
        """Write `run.json`, and create the folder if it is missing.

        UsageError if it has a run already, or cannot be written. Of several processes that begin
        the same run at once, on whatever file system, only one succeeds.
        """
        claim = self.path / ".begin"
        with self._creation():
            self.path.mkdir(parents=True, exist_ok=True)
            claim.touch(exist_ok=False)
            try:
                if self.manifest_path.exists():
                    raise FileExistsError
                self.write_manifest(manifest)
            finally:
                claim.unlink()

    @contextlib.contextmanager
    def _creation(self) -> Iterator[None]:
        """Turn an OSError of the block, which creates the folder, into a UsageError."""
        try:
            yield
        except FileExistsError:
            raise UsageError(
                f"{self.path} already exists: choose another --run-id, or remove the folder"
            ) from None
        except OSError as error:
            raise UsageError(
                f"cannot create the run's folder {self.path}: {error.strerror}; "
                "choose another --reports-dir"
            ) from None

    def forget_verdict(self) -> None:
        """Remove an earlier verdict, in case the next judgement ends before it writes its own."""
        for name in ("verdict.json", "report.html", "junit.xml", "summary.md", "report.pdf"):
            (self.path / name).unlink(missing_ok=True)

    def ledger_of(self, ledgers: str, tag: str) -> str:
        """Return the manifest's location of the ledger: below `ledgers`, or in this folder."""
        return f"{ledgers.rstrip('/')}/{self.shared_name(tag)}" if ledgers else LEDGER

    def shared_name(self, tag: str) -> str:
        """Return a name for storage that hosts share, where two runs may have the same id."""
        return self.run_id if tag == self.run_id else f"{self.run_id}-{tag}"

    def ledger_location(self, manifest: Manifest) -> str:
        """Return the ledger's URL or path."""
        return self.located(manifest.ledger)

    def located(self, ledger: str) -> str:
        """Resolve a manifest's location of a ledger: a URL, or a path within this folder."""
        return ledger if "://" in ledger else str(self.path / ledger)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write `run.json`. Raises OSError."""
        write_atomically(self.manifest_path, _dump(Manifest, manifest))

    def read_manifest(self) -> Manifest:
        """Read `run.json`. UsageError if it is not a run folder, EvidenceError if it is damaged."""
        if not self.manifest_path.is_file():
            raise UsageError(f"{self.path} is not a run folder: it has no run.json")
        self._refuse_links()
        manifest = _load(Manifest, self.manifest_path)
        if manifest.run_id != self.run_id or not is_run_id(manifest.run_id):
            raise EvidenceError(
                f"{self.manifest_path} belongs to {manifest.run_id!r}, not to this run"
            )
        if not is_run_id(manifest.tag):
            raise EvidenceError(f"{self.manifest_path} is damaged: tag: {manifest.tag!r}")
        return manifest

    def _refuse_links(self) -> None:
        """Raise EvidenceError if a link leads out of the folder, which may come from anywhere."""
        inside = self.path.resolve()
        for entry in (*self.path.glob("*"), *self.path.glob("*/*")):
            if entry.is_symlink() and not entry.resolve().is_relative_to(inside):
                raise EvidenceError(
                    f"{entry} is a symbolic link that leads out of the run's folder: replace "
                    "it with a copy of its target"
                )

    def write_generators(self, generators: Generators) -> None:
        """Write `generators.json`. Raises OSError."""
        write_atomically(self.path / "generators.json", _dump(Generators, generators))

    def read_generators(self) -> Generators | None:
        """Read `generators.json`, or None if no generator has begun."""
        return _load_if_there(Generators, self.path / "generators.json")

    @property
    def begun(self) -> tuple[int, ...] | None:
        """Generators that have begun, None if none has. EvidenceError if the file is damaged."""
        generators = self.read_generators()
        return None if generators is None else generators.begun

    def write_abort(self, abort: Abort) -> None:
        """Write `abort.json`. Raises OSError."""
        write_atomically(self.path / "abort.json", _dump(Abort, abort))

    def read_abort(self) -> Abort | None:
        """Read `abort.json`, or None if no threshold stopped the test."""
        return _load_if_there(Abort, self.path / "abort.json")

    def write_locust_exit(self, locust_exit: LocustExit) -> None:
        """Write `locust.json`. Raises OSError."""
        write_atomically(self.path / "locust.json", _dump(LocustExit, locust_exit))

    def read_locust_exit(self) -> LocustExit | None:
        """Read `locust.json`, or None if Locust's end was not recorded."""
        return _load_if_there(LocustExit, self.path / "locust.json")

    def write_scheduled(self, scheduled: Scheduled) -> None:
        """Write `schedule.json`. Raises OSError."""
        write_atomically(self.path / "schedule.json", _dump(Scheduled, scheduled))

    def read_scheduled(self) -> Scheduled | None:
        """Read `schedule.json`, or None for a run without a rate."""
        return _load_if_there(Scheduled, self.path / "schedule.json")

    def write_end(self, end: End) -> None:
        """Write `end.json`. Raises OSError."""
        write_atomically(self.path / "end.json", _dump(End, end))

    def read_end(self) -> End | None:
        """Read `end.json`, or None if the end was not recorded yet."""
        return _load_if_there(End, self.path / "end.json")


def _dump(kind: type[_Document], document: _Document) -> bytes:
    return TypeAdapter(kind).dump_json(document, indent=1) + b"\n"


def _load_if_there(kind: type[_Document], path: Path) -> _Document | None:
    return _load(kind, path) if path.is_file() else None


def _load(kind: type[_Document], path: Path) -> _Document:
    try:
        content = json.loads(path.read_bytes())
        if isinstance(content, dict) and content.get("format", FORMAT) != FORMAT:
            raise EvidenceError(
                f"{path} has format {content['format']!r}, but only {FORMAT} can be read: "
                "use the version of headcount that wrote it"
            )
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise EvidenceError(f"{path} is damaged: {where}: {first['msg']}") from None
    except (ValueError, OSError) as error:
        raise EvidenceError(f"{path} cannot be read: {error}") from None
