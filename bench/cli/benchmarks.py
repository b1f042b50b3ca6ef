"""The commands that run one benchmark each."""

from collections.abc import Callable
from pathlib import Path

import click

from bench.analysis import follow, formats, reconcile
from bench.cli.output import Output, take
from bench.load import metrics_cost, overhead, rate
from bench.report import page_load
from bench.runs import history, warm
from bench.service import outage, throughput
from bench.sizing import cores, costs


def with_two_sizes(
    default: tuple[int, int],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add `--events`, the sizes of two generated runs."""
    return click.option(
        "--events",
        type=(click.IntRange(min=1), click.IntRange(min=2)),
        default=default,
        show_default=True,
        help="Sizes of the two generated runs.",
    )


@click.command("overhead")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--users", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0.5), default=6.0, show_default=True)
@click.pass_obj
def overhead_command(output: Output, rounds: int, users: int, seconds: float) -> None:
    """Measure requests/s of a saturated generator: the ratio of LedgerUser to FastHttpUser."""
    settings = overhead.OverheadSettings(rounds=rounds, users=users, window_s=seconds)
    take(output, lambda stage: overhead.measure(settings, stage))


@click.command("metrics")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--users", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0.5), default=6.0, show_default=True)
@click.pass_obj
def metrics_command(output: Output, rounds: int, users: int, seconds: float) -> None:
    """Measure requests/s of a saturated generator: the ratio with exported metrics to without."""
    settings = overhead.OverheadSettings(rounds=rounds, users=users, window_s=seconds)
    take(output, lambda stage: metrics_cost.measure(settings, stage))


@click.command("service")
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=throughput.ThroughputSettings().rounds,
    show_default=True,
)
@click.option("--seconds", type=click.FloatRange(min=0.5), default=5.0, show_default=True)
@click.option(
    "--connections",
    type=click.IntRange(min=1),
    multiple=True,
    default=(32, 256),
    show_default=True,
    help="Repeatable.",
)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=16, show_default=True)
@click.option("--path", default="/", show_default=True, help="Path to request.")
@click.pass_obj
def service_command(
    output: Output,
    *,
    rounds: int,
    seconds: float,
    connections: tuple[int, ...],
    workers: int,
    threads: int,
    path: str,
) -> None:
    """Measure acknowledged requests/s of the service: the ratio with publishing to without."""
    settings = throughput.ThroughputSettings(rounds, seconds, connections, workers, threads, path)
    take(output, lambda stage: throughput.measure(settings, stage))


@click.command("outage")
@click.option("--seconds", type=click.FloatRange(min=1), default=60.0, show_default=True)
@click.option("--by", type=click.Choice(outage.WAYS), default="stop", show_default=True)
@click.option("--connections", type=click.IntRange(min=1), default=32, show_default=True)
@click.pass_obj
def outage_command(output: Output, *, seconds: float, by: str, connections: int) -> None:
    """Measure the memory of the service's workers during a broker outage."""
    settings = outage.OutageSettings(seconds, by, connections)
    take(output, lambda stage: outage.measure(settings, stage))


@click.command("reconcile")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--events",
    type=click.IntRange(min=1),
    multiple=True,
    default=reconcile.ReconcileSettings().events,
    show_default=True,
    help="Repeatable.",
)
@click.option(
    "--faults",
    type=click.IntRange(min=1),
    default=reconcile.ReconcileSettings().faults,
    show_default=True,
    help="Acknowledged events missing from the topic of the run with faults.",
)
@click.option("--secure", is_flag=True, help="Judge the clean runs over TLS, too.")
@click.pass_obj
def reconcile_command(
    output: Output, *, rounds: int, events: tuple[int, ...], faults: int, secure: bool
) -> None:
    """Compare `headcount verify` with a script of librdkafka, json and polars."""
    settings = reconcile.ReconcileSettings(rounds, events, faults, secure)
    take(output, lambda stage: reconcile.measure(settings, stage))


@click.command("warm")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seconds", type=click.IntRange(min=1), default=30, show_default=True)
@click.pass_obj
def warm_command(output: Output, rounds: int, seconds: int) -> None:
    """Measure the time that a short `headcount run` needs beyond its load."""
    take(output, lambda stage: warm.measure(warm.WarmSettings(rounds, seconds), stage))


@click.command("history")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=1000, show_default=True)
@click.pass_obj
def history_command(output: Output, rounds: int, runs: int) -> None:
    """Measure the time that the history of many runs takes, with and without its index."""
    settings = history.HistorySettings(rounds, runs)
    take(output, lambda stage: history.measure(settings, stage))


@click.command("rate")
@click.option(
    "--rounds", type=click.IntRange(min=1), default=rate.RateSettings().rounds, show_default=True
)
@click.option("--seconds", type=click.IntRange(min=3), default=10, show_default=True)
@click.option("--stalled-rate", type=click.IntRange(min=1), default=300, show_default=True)
@click.pass_obj
def rate_command(output: Output, rounds: int, seconds: int, stalled_rate: int) -> None:
    """Measure how late --rate sends requests, and compare latencies in a stall with Vegeta's."""
    settings = rate.RateSettings(rounds=rounds, seconds=seconds, stalled_rate=stalled_rate)
    take(output, lambda stage: rate.measure(settings, stage))


@click.command("report")
@click.option("--minutes", type=click.FloatRange(min=0.1), default=30.0, show_default=True)
@click.option(
    "--rate",
    type=click.IntRange(min=10),
    default=500,
    show_default=True,
    help="Requests per second.",
)
@click.option("--faults", type=click.IntRange(min=0), default=2_000, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the page and screenshots here: wide, narrow, dark and printed.",
)
@click.pass_obj
def report_command(
    output: Output, *, minutes: float, rate: int, faults: int, rounds: int, keep: Path | None
) -> None:
    """Measure size and load time of a long run's report, beside an empty page."""
    settings = page_load.PageLoadSettings(minutes, rate, faults, rounds, keep)
    take(output, lambda stage: page_load.measure(settings, stage))


@click.command("costs")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0.5), default=10.0, show_default=True)
@click.pass_obj
def costs_command(output: Output, rounds: int, seconds: float) -> None:
    """Measure CPU time and bytes per event, for each part and store."""
    settings = costs.CostsSettings(rounds=rounds, seconds=seconds)
    take(output, lambda stage: costs.measure(settings, stage))


@click.command("formats")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--messages", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.pass_obj
def formats_command(output: Output, rounds: int, messages: int) -> None:
    """Measure messages/s of one core by format, beside bare fastavro, Protobuf and orjson."""
    settings = formats.FormatsSettings(rounds, messages)
    take(output, lambda stage: formats.measure(settings, stage))


@click.command("follow")
@click.option("--rounds", type=click.IntRange(min=1), default=1, show_default=True)
@with_two_sizes(follow.FollowSettings().events)
@click.pass_obj
def follow_command(output: Output, rounds: int, events: tuple[int, int]) -> None:
    """Measure the time from the end of a followed run to its verdict."""
    settings = follow.FollowSettings(rounds, events)
    take(output, lambda stage: follow.measure(settings, stage))


@click.command("cores")
@click.option("--rounds", type=click.IntRange(min=1), default=2, show_default=True)
@with_two_sizes(cores.CoresSettings().events)
@click.pass_obj
def cores_command(output: Output, rounds: int, events: tuple[int, int]) -> None:
    """Measure how the time to a verdict depends on events and cores."""
    if events[0] >= events[1]:
        raise click.BadParameter(f"--events must be a smaller and a larger number, got {events}")
    settings = cores.CoresSettings(rounds, events)
    take(output, lambda stage: cores.measure(settings, stage))


COMMANDS = (
    overhead_command,
    metrics_command,
    service_command,
    outage_command,
    reconcile_command,
    warm_command,
    history_command,
    rate_command,
    report_command,
    costs_command,
    formats_command,
    follow_command,
    cores_command,
)
