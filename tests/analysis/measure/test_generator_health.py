"""Generators' health: when it spoils figures, and when it does not."""

from collections.abc import Sequence

import pytest
from headcount_analysis.measure.generator_health import (
    FleetHealth,
    GeneratorHealth,
    generators,
    under_load,
)

from headcount.ledger.generator_health import Health, Sample
from headcount.ledger.shortfall import ScenarioError, Shortfall, Stage


def samples(cpu: Sequence[float], lag: Sequence[float] = (), dropped: int = 0) -> Health:
    """Make samples under load; the last has dropped so many arrivals."""
    lags = [*lag, *([1.0] * (len(cpu) - len(lag)))]
    return Health(
        tuple(
            Sample(at, load, late, 1, at, dropped if at == len(cpu) else 0)
            for at, (load, late) in enumerate(zip(cpu, lags, strict=True), 1)
        )
    )


def found(health: Health | None) -> FleetHealth:
    """Weigh the one generator of a run."""
    return generators({0: health}, [0], {"expect_workers": 1, "processes": None})


def test_one_that_has_time_is_no_reason() -> None:
    """Nor are pauses that are few, or a load that is high for less than most of the time."""
    weighed = found(samples([95.0] * 10 + [20.0] * 11, lag=[500.0, 500.0]))
    assert (weighed.saturated, weighed.notes, weighed.missing) == (False, (), 0)


@pytest.mark.parametrize(
    ("health", "told"),
    [
        (samples([20.0] * 9, dropped=3), "dropped 3 arrivals"),
        (samples([95.0] * 11 + [20.0] * 10), "90 % or more of a core in 11 of 21"),
        (samples([20.0] * 20, lag=[150.0, 100.0]), "100 ms or more late with what was due in 2"),
    ],
)
def test_each_sign_is_told(health: Health, told: str) -> None:
    """With the figures that say so, first of all notes."""
    weighed = found(health)
    assert weighed.saturated
    assert told in weighed.evidence[0]
    assert weighed.notes[0].startswith("generator: saturated: generator 0 ")


def test_what_is_not_known_is_said() -> None:
    """And is not taken for health, nor for saturation."""
    weighed = found(None)
    assert not weighed.saturated
    assert weighed.known == (GeneratorHealth(0),)
    assert weighed.known[0].cpu_percent_median is None
    assert "the health of 0 is not known" in weighed.notes[0]


@pytest.mark.parametrize(
    ("options", "begun", "missing"),
    [
        ({"processes": 4, "expect_workers": 4}, [0, 1, 2], 1),
        ({"processes": None, "expect_workers": 2}, [0, 1], 0),
        ({"processes": "many", "expect_workers": True}, [0], 0),
        ({}, [0], 0),
        ({"expect_workers": 3}, None, None),
    ],
)
def test_workers_that_never_began_are_missed(
    options: dict[str, object], begun: list[int] | None, missing: int | None
) -> None:
    """Where it is known how many have begun, whatever stands in the options."""
    weighed = generators({0: samples([20.0])}, begun, options)
    assert weighed.missing == missing
    assert any("never began" in note for note in weighed.notes) == bool(missing)


def test_only_samples_under_load_count() -> None:
    """An idle generator says nothing of a busy one; samples may stand in any order."""
    idle_before, busy, still, idle_after = (
        Sample(1, 0, 0, 0, 0),
        Sample(2, 99, 1, 0, 5),
        Sample(3, 99, 1, 2, 5),
        Sample(4, 0, 0, 0, 5),
    )
    assert under_load([idle_after, still, busy, idle_before]) == (busy, still)


def test_the_figures_are_those_of_the_samples() -> None:
    """Median and greatest load, and the lag by nearest rank."""
    (health,) = found(samples([10.0, 20.0, 60.0], lag=[5.0, 7.0, 6.0], dropped=2)).known
    assert (health.cpu_percent_median, health.cpu_percent_max) == (20.0, 60.0)
    assert (health.schedule_lag_p99_ms, health.dropped) == (7.0, 2)


def test_what_was_not_made_is_told_first() -> None:
    """Of all generators together: it is what the verdict is not about."""
    shortfall = Shortfall((ScenarioError(Stage.TASK, "KeyError: 'a'", "shop.py:3", 2),), 3)
    weighed = generators({0: None, 1: None}, [0, 1], {}, [shortfall, Shortfall(), shortfall])
    assert weighed.notes[:2] == (
        "4 tasks ended with KeyError: 'a' (first in shop.py:3)",
        "6 requests named no event= and are not accounted for",
    )
