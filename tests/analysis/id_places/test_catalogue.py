"""The catalogue: id places by name, those of Headcount and those of other packages."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.id_places.catalogue import place_of
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.read.topic_range import MESSAGES

from headcount.errors import UsageError
from headcount.ledger.event_digest import describe
from headcount.run.id_form import RunIds
from headcount.run.id_location import IdLocation, LocationKind, parse_location
from headcount.run.ids import tag_of

ROOT = Path(__file__).parents[3]
TAG = tag_of(0x0123_4567_89AB)
EVENT = {"event_type": "order", "quantity": 3}


@pytest.fixture
def key_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the documented example in a folder, as pip would."""
    page = (ROOT / "docs" / "own-service.md").read_text("utf-8")
    module = page.partition("```python\n# key_parts.py\n")[2].partition("```")[0]
    (tmp_path / "key_parts.py").write_text(module)
    metadata = tmp_path / "key_parts-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: key-parts\nVersion: 1.0\n")
    entries = "[headcount.id_places]\nkey-part = key_parts:KeyPart\nkey = key_parts:KeyPart\n"
    (metadata / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "key_parts", raising=False)


@pytest.mark.usefixtures("key_part")
def test_another_package_adds_a_place() -> None:
    """Its name and argument are accepted by the option, and its ids are read, none wrongly."""
    location = parse_location("key-part:1")
    assert str(location) == "key-part:1"
    assert location.phrase == "at the place key-part:1"
    ids, described = RunIds(TAG), describe(EVENT)
    own, other = ids.text(0, 1), RunIds(tag_of(7)).text(0, 1)
    keys = [f"shop/{own}", f"shop/{other}", "shop", f"{own}/shop", f"shop/{own}"]
    rows = [
        {"value": json.dumps(EVENT).encode(), "key": key.encode(), "topic": "t", "offset": at}
        for at, key in enumerate(keys)
    ]
    (batch,) = pa.Table.from_pylist(rows, MESSAGES).combine_chunks().to_batches()
    expected = Expected(ids, location, {0: 10}, [described.shape])
    table = Reader(expected).arrivals(batch)
    claimed, foreign = MessageKind.CLAIMED, MessageKind.FOREIGN
    assert table["kind"].to_pylist() == [claimed, foreign, foreign, foreign, claimed]
    assert table["seq"].to_pylist() == [1, None, None, None, 1]
    assert table["digests"].to_pylist()[0] == [described.digest]


@pytest.mark.usefixtures("key_part")
def test_a_package_cannot_replace_one_of_the_own_places() -> None:
    """What `key` means depends on no installed package."""
    location = parse_location("key")
    assert location.kind is LocationKind.KEY
    assert type(place_of(location, "X-Event-Id")).__name__ == "KeyPlace"


def test_a_place_that_no_package_provides() -> None:
    """It is refused, by the option and by a reader of a manifest from elsewhere."""
    with pytest.raises(UsageError, match="--id-at must be field:NAME"):
        parse_location("key-part:1")
    with pytest.raises(UsageError, match="--id-at key-part:1: no installed package provides"):
        place_of(IdLocation("key-part", "1"), "X-Event-Id")
