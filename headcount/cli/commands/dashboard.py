"""`headcount dashboard`: prints the Grafana dashboard of a run's metrics."""

import importlib.resources

from headcount.cli.options.groups import grouped_command
from headcount.console import Console

_EXAMPLES = """
\b
Examples:
  headcount dashboard > headcount.json      then in Grafana: Dashboards, New, Import
"""


@grouped_command(epilog=_EXAMPLES)
def dashboard() -> None:
    """Print a Grafana dashboard of the metrics that runs export, as JSON."""
    resource = importlib.resources.files("headcount.telemetry") / "dashboard.json"
    Console().document(resource.read_text("utf-8"))
