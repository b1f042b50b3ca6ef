"""The commands that compute a sizing, and that rewrite the documentation pages."""

from pathlib import Path

import click

from bench.pages import performance
from bench.sizing import model
from headcount.open_model.rate import parse_rate

_RATE, _DURATION = "100000/s", "1h"
_DEFAULT_REQUEST = model.SizingRequest(parse_rate(f"{_RATE}:{_DURATION}"), 15 * 60, 0.6, 3)
"""The load of docs/scaling.md, and the default of `sizing`."""


def _sizing_of(rate: str, duration: str) -> str:
    return f"python -m bench sizing --rate {rate} --duration {duration}"


@click.command("sizing")
@click.option("--rate", default=_RATE, show_default=True, help="Arrival rate, such as 500/s.")
@click.option(
    "--duration", default=_DURATION, show_default=True, help="Duration of the load, such as 30m."
)
@click.option(
    "--within",
    "within_m",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULT_REQUEST.within_s / 60,
    show_default=True,
    metavar="MINUTES",
    help="Time allowed for the verdict.",
)
@click.option(
    "--busy",
    type=click.FloatRange(0, 1, min_open=True),
    default=_DEFAULT_REQUEST.busy,
    show_default=True,
    help="Sustained utilisation of each core, from 0 to 1.",
)
@click.option(
    "--replication",
    type=click.IntRange(min=1),
    default=_DEFAULT_REQUEST.replication,
    show_default=True,
)
@click.option(
    "--measured",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/measured"),
    show_default=True,
    help="Folder with costs.json and cores.json.",
)
@click.option(
    "--write",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Document whose sizing block to rewrite.",
)
def sizing_command(
    *,
    rate: str,
    duration: str,
    within_m: float,
    busy: float,
    replication: int,
    measured: Path,
    write: Path | None,
) -> None:
    """Compute what a load needs: cores of each part, storage, and the first limit."""
    request = model.SizingRequest(
        parse_rate(f"{rate}:{duration}"), within_m * 60, busy, replication
    )
    block = model.markdown(model.read_costs(measured), request, _sizing_of(rate, duration))
    click.echo(block)
    if write is not None:
        model.rewrite(write, block)


@click.command("page")
@click.argument("documents", type=click.Path(file_okay=False, exists=True, path_type=Path))
def page_command(documents: Path) -> None:
    """Rewrite performance.md and scaling.md in DOCUMENTS from DOCUMENTS/measured."""
    write_pages(documents)


def measured_in(documents: Path) -> Path:
    """Return the folder with the figures of the documentation's pages."""
    return documents / "measured"


def write_pages(documents: Path) -> None:
    """Write performance.md and scaling.md from the figures in documents/measured."""
    measured = measured_in(documents)
    performance.write(documents / "performance.md", measured)
    block = model.markdown(
        model.read_costs(measured), _DEFAULT_REQUEST, _sizing_of(_RATE, _DURATION)
    )
    model.rewrite(documents / "scaling.md", block)
