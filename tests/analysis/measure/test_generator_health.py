"""Generator health: when a generator counts as saturated, and when it does not."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from headcount_analysis.measure.generator_health import (
    FleetHealth,
    GeneratorHealth,
    SaturationCause,
    generators,
    under_load,
)

from headcount.ledger.generator_health import Health, Sample
from headcount.ledger.shortfall import ScenarioError, Shortfall, Stage


def samples(cpu: Sequence[float], lag: Sequence[float] = (), dropped: int = 0) -> Health:
    """Create samples under load; the last one has `dropped` arrivals."""
    lags = [*lag, *([1.0] * (len(cpu) - len(lag)))]
    return Health(
        tuple(
            Sample(at, load, late, 1, at, dropped if at == len(cpu) else 0)
            for at, (load, late) in enumerate(zip(cpu, lags, strict=True), 1)
        )
    )


def assessed(health: Health | None) -> FleetHealth:
    """Assess the only generator of a run."""
    return generators({0: health}, [0], {"expect_workers": 1, "processes": None})


def test_a_generator_with_spare_time_is_not_saturated() -> None:
    """Nor is one with few pauses, or with a load that is high for less than half of the time."""
    weighed = assessed(samples([95.0] * 10 + [20.0] * 11, lag=[500.0, 500.0]))
    assert (weighed.saturated, weighed.notes, weighed.missing) == (False, (), 0)


@pytest.mark.parametrize(
    ("health", "evidence"),
    [
        (samples([20.0] * 9, dropped=3), "dropped 3 arrivals"),
        (samples([95.0] * 11 + [20.0] * 10), "90 % or more of a core in 11 of 21"),
        (samples([20.0] * 20, lag=[150.0, 100.0]), "100 ms or more behind schedule in 2 of 20"),
    ],
)
def test_each_sign_is_reported(health: Health, evidence: str) -> None:
    """The first note gives the figures that show it."""
    weighed = assessed(health)
    assert weighed.saturated
    assert evidence in weighed.evidence[0]
    assert weighed.notes[0].startswith("the load generator was overloaded")
    assert weighed.evidence[0] in weighed.notes[0]


def with_host(health: Health, host_cpu_percent: float) -> Health:
    """Return samples with the CPU load of the host."""
    return Health(
        tuple(replace(sample, host_cpu_percent=host_cpu_percent) for sample in health.samples)
    )


LATE = samples([20.0] * 20, lag=[150.0, 100.0])
BUSY = samples([95.0] * 20, lag=[150.0, 100.0])


@pytest.mark.parametrize(
    ("health", "cause"),
    [
        (LATE, SaturationCause.UNKNOWN),
        (with_host(LATE, 98.0), SaturationCause.HOST),
        (with_host(LATE, 50.0), SaturationCause.BLOCKED),
        (with_host(BUSY, 98.0), SaturationCause.SCENARIO),
        (with_host(samples([20.0] * 9, dropped=3), 98.0), SaturationCause.HOST),
    ],
)
def test_an_overload_is_noted_by_its_cause(health: Health, cause: SaturationCause) -> None:
    """A process that used a core needs more of them; else its host was busy, or it was blocked."""
    weighed = assessed(health)
    assert (weighed.known[0].cause, weighed.saturated) == (cause, True)
    assert weighed.notes[0].startswith(f"the load generator was overloaded{cause.because}: ")
    assert weighed.notes[0].endswith(cause.remedy)


def test_with_a_rate_too_few_users_are_a_cause() -> None:
    """If neither the process nor its host was busy."""
    health = with_host(samples([20.0] * 9, dropped=3), 50.0)
    (known,) = generators({0: health}, [0], {"rate": "300/s"}).known
    assert known.cause is SaturationCause.USERS


DROPPED = samples([20.0] * 9, dropped=3)


@pytest.mark.parametrize(
    ("waited_percent", "lag_ms", "cause"),
    [
        (30.0, 40.0, SaturationCause.USERS),
        (75.0, 40.0, SaturationCause.HOST),
        (30.0, 140.0, SaturationCause.HOST),
        (None, 40.0, SaturationCause.HOST),
    ],
)
def test_a_busy_host_is_the_cause_only_if_it_kept_the_generator_waiting(
    waited_percent: float | None, lag_ms: float, cause: SaturationCause
) -> None:
    """Arrivals that were dropped while the generator had CPU time to spare found no free user."""
    *before, last = with_host(DROPPED, 98.0).samples
    last = replace(last, waited_percent=waited_percent, schedule_lag_ms=lag_ms)
    starved = [replace(sample, waited_percent=75.0) for sample in before]
    (known,) = generators({0: Health((*starved, last))}, [0], {"rate": "300/s"}).known
    assert known.cause is cause


def test_an_overload_of_many_generators_is_one_note() -> None:
    """It names three of them, and how many more there are."""
    weighed = generators(dict.fromkeys(range(5), with_host(BUSY, 50.0)), range(5), {})
    (note,) = weighed.notes
    assert "generator 2 used" in note
    assert "generator 3" not in note
    assert "; and 2 more; " in note


def test_a_generator_whose_users_ended_is_not_saturated() -> None:
    """Its arrivals were dropped for want of users; only further ones show that it was late."""
    ended = {0: Shortfall(users=5, ended_users=5, userless=3)}
    weighed = generators({0: samples([20.0] * 9, dropped=3)}, [0], {}, ended)
    assert not weighed.saturated
    assert weighed.notes[0].startswith("5 of 5 users ended by themselves")
    late = generators({0: samples([20.0] * 9, dropped=5)}, [0], {}, ended)
    assert late.evidence == ("generator 0 dropped 2 arrivals that it could not start in time",)


def test_unknown_health_is_reported() -> None:
    """It counts neither as healthy nor as saturated."""
    weighed = assessed(None)
    assert not weighed.saturated
    assert weighed.known == (GeneratorHealth(0),)
    assert weighed.known[0].cpu_percent_median is None
    assert "generator 0 stopped reporting; latencies may include its delay" in weighed.notes[0]
    both = generators({0: None, 1: None}, [0, 1], {})
    assert both.notes[0].startswith(
        "generators 0, 1 stopped reporting; latencies may include their"
    )


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
def test_workers_that_never_started_are_missing(
    options: dict[str, object], begun: list[int] | None, missing: int | None
) -> None:
    """They are counted if it is known how many started, whatever the options contain."""
    weighed = generators({0: samples([20.0])}, begun, options)
    assert weighed.missing == missing
    assert any("never started" in note for note in weighed.notes) == bool(missing)


def test_only_samples_under_load_count() -> None:
    """Samples of an idle generator do not count; samples may come in any order."""
    idle_before, busy, still, idle_after = (
        Sample(1, 0, 0, 0, 0),
        Sample(2, 99, 1, 0, 5),
        Sample(3, 99, 1, 2, 5),
        Sample(4, 0, 0, 0, 5),
    )
    assert under_load([idle_after, still, busy, idle_before]) == (busy, still)


def test_the_figures_are_those_of_the_samples() -> None:
    """Median and maximum load, and the lag by nearest rank."""
    (health,) = assessed(samples([10.0, 20.0, 60.0], lag=[5.0, 7.0, 6.0], dropped=2)).known
    assert (health.cpu_percent_median, health.cpu_percent_max) == (20.0, 60.0)
    assert (health.schedule_lag_p99_ms, health.dropped) == (7.0, 2)


def test_the_shortfall_is_reported_first() -> None:
    """The shortfall of all generators is added up: the verdict does not cover it."""
    shortfall = Shortfall((ScenarioError(Stage.TASK, "KeyError: 'a'", "shop.py:3", 2),), 3)
    weighed = generators({0: None, 1: None}, [0, 1], {}, {0: shortfall, 1: shortfall})
    assert weighed.notes[:2] == (
        "4 tasks ended with KeyError: 'a' (first in shop.py:3)",
        "6 requests passed no event= and are not accounted for",
    )
