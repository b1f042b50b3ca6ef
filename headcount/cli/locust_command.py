"""Locust's command line and environment, for `headcount run` and `headcount up`."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headcount.cli.local_stack import BROKER_DATA, DATABASE, Target
from headcount.cli.locustfile import GENERATOR
from headcount.cli.options.load_options import USERS, LoadOptions
from headcount.cli.options.message_options import MessageOptions
from headcount.cli.options.target_options import TargetOptions
from headcount.cli.options.verify_options import VerifyOptions
from headcount.run.folder import RunFolder
from headcount.run.outcome_rules import joined
from headcount.stack.ports import LOOPBACK, free_port
from headcount.telemetry.export.exporter_process import ExportRequest
from headcount.thresholds.grammar import SEPARATOR


@dataclass(frozen=True, slots=True)
class Load:
    """The load of one run: its scenario, its amount and its target.

    `extra` are Locust's own options, as the user wrote them.
    """

    locustfile: str
    options: LoadOptions
    target_options: TargetOptions
    message_options: MessageOptions
    verify_options: VerifyOptions
    ledger: str
    extra: tuple[str, ...]
    export: ExportRequest


def run_command(
    load: Load,
    target: Target,
    folder: RunFolder,
    environ: Mapping[str, str],
    progress_path: Path | None = None,
) -> list[str]:
    """Build the command line of a load without a web UI.

    `progress_path` is where Locust writes the load's progress, if it is shown to anyone.
    """
    options = {
        **_load_options(load.options),
        **_target_options(load.target_options, target, environ),
        "--locustfile": load.locustfile,
        "--reports-dir": folder.path.parent,
        "--ledger": load.ledger,
        "--run-id": folder.run_id,
        **load.message_options.of_locust,
        "--thresholds": f"{SEPARATOR} ".join(
            threshold.text for threshold in load.verify_options.all_thresholds
        ),
        **load.verify_options.plugin_times,
        "--broker-data": BROKER_DATA if target.broker is not None else None,
        "--database-file": target.database_file and DATABASE,
        "--progress-file": progress_path,
        "--metrics-by-parent": "yes" if load.export.exports_metrics else None,
        # Failed requests must not make Locust exit with an error: the verdict judges them, by their
        # events in the topic.
        "--exit-code-on-error": 0,
        **(_loopback_master() if load.options.processes else {}),
    }
    chosen = [f"{name}={value}" for name, value in options.items() if value not in (None, "")]
    return [sys.executable, "-m", GENERATOR, "--headless", "--only-summary", *chosen, *load.extra]


def up_command(
    target_options: TargetOptions, target: Target, folder: Path, environ: Mapping[str, str]
) -> list[str]:
    """Build the command line of Locust with its web UI; `folder` holds the data of the parts."""
    options = {
        "--web-host": LOOPBACK,
        "--master-bind-host": LOOPBACK,
        **_target_options(target_options, target, environ),
        "--reports-dir": folder.parent,
        # The values that the start form has at first.
        "--users": USERS,
        "--spawn-rate": USERS,
    }
    if target.broker is not None:
        options["--broker-data"] = f"../{folder.name}/{BROKER_DATA}"
    if target.database_file is not None:
        options["--database-file"] = f"../{folder.name}/{DATABASE}"
    return [sys.executable, "-m", GENERATOR, *flat(options)]


def flat(options: Mapping[str, object]) -> list[str]:
    """Flatten names and values into arguments."""
    return [str(part) for pair in options.items() for part in pair]


def _load_options(options: LoadOptions) -> dict[str, object]:
    users = options.users_or_default
    return {
        "--users": users,
        "--spawn-rate": options.spawn_rate or users,
        "--rate": options.rate,
        "--spacing": options.spacing,
        "--max-in-flight": options.max_in_flight,
        "--run-time": options.run_time,
        "--default-run-time": options.default_run_time,
        "--processes": options.processes,
        "--mix": options.mix,
        "--seed": options.seed,
        "--outcome": joined(options.outcome_rules),
    }


def _target_options(
    options: TargetOptions, target: Target, environ: Mapping[str, str]
) -> dict[str, object]:
    return {
        "--bootstrap-servers": target.cluster.bootstrap_servers,
        "--topic": options.topic,
        "--promise": options.stated_guarantee(environ),
    }


def _loopback_master() -> dict[str, object]:
    """Return options that connect a master and its workers on this machine, at a free port."""
    port = free_port()
    return {
        "--master-bind-host": LOOPBACK,
        "--master-bind-port": port,
        "--master-host": LOOPBACK,
        "--master-port": port,
    }
