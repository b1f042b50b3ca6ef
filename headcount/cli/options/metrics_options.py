"""Where a run's metrics go."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headcount.cli.options.groups import OptionGroup, gathered, grouped_option, in_order
from headcount.errors import UsageError
from headcount.telemetry.export.export_settings import LINGER_S, listen_address

if TYPE_CHECKING:
    from headcount.telemetry.export.exporter_process import ExportRequest


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Where a run's metrics go, as the user wrote it; empty if not set."""

    metrics_port: str
    metrics_linger: str

    def check(self) -> None:
        """Raise UsageError if an option is invalid."""
        listen_address(self.metrics_port)
        if self.metrics_linger and not self.metrics_port:
            raise UsageError(
                "--metrics-linger needs --metrics-port: add a port, or leave --metrics-linger out"
            )

    @property
    def request(self) -> "ExportRequest":
        """What the run must export. UsageError if an option is invalid."""
        from headcount.telemetry.export.exporter_process import (  # noqa: PLC0415 - it loads slowly
            export_request,
        )

        return export_request(self.metrics_port, self.metrics_linger, os.environ)


_OPTIONS = in_order(
    grouped_option(
        OptionGroup.OUTPUT,
        "--metrics-port",
        default="",
        metavar="[HOST:]PORT",
        help="Serve Prometheus metrics on this port, at /metrics; without HOST, only to this "
        "machine.",
    ),
    grouped_option(
        OptionGroup.OUTPUT,
        "--metrics-linger",
        default="",
        metavar="TIME",
        show_default=f"{LINGER_S:g}s",
        help="Longest wait for Prometheus to scrape the verdict.",
    ),
)


def with_metrics_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and pass them on as `metrics_options`."""
    return _OPTIONS(gathered("metrics_options", MetricsOptions)(command))
