"""Recording: sets up a generator before its users send the first request."""

import functools
import os
from collections.abc import Iterator
from random import Random

from locust.env import Environment

from headcount.errors import HeadcountError, PartError
from headcount.ledger.location import open_location
from headcount.ledger.writer import LedgerWriter
from headcount.open_model.mix import parse_mix, weighted
from headcount.plugin import arrival_driver
from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.environment_state import state_of
from headcount.plugin.interpreter_settings import prepare_interpreter
from headcount.plugin.message_options import id_settings_of
from headcount.plugin.monitor.health_sampler import HealthSampler
from headcount.plugin.monitor.progress_reports import PROGRESS, ProgressReporter
from headcount.plugin.options import clock_offset_ns, http_way_of
from headcount.plugin.probe_load import quit_when_over
from headcount.plugin.run_folder import ledger_location
from headcount.plugin.startup import warm_up
from headcount.plugin.startup.user_classes import other_users
from headcount.run.id_settings import check_generator
from headcount.run.outcome_rules import split as split_rules
from headcount.run.probe_ids import probe_ids

LEDGER_FAILED = "headcount_ledger_failed"
"""The message with which a generator ends the run."""
GENERATOR_BEGUN = "headcount_generator_begun"
"""The message with which a generator announces its ledger."""


def _apply_mix(environment: Environment) -> Iterator[str]:
    """Apply the mix; yield the users left unchanged because it names none of their tasks."""
    assert environment.parsed_options is not None
    if not environment.parsed_options.mix:
        return
    mix = parse_mix(environment.parsed_options.mix)
    unmixed = state_of(environment).unmixed_tasks
    for user in environment.user_classes:
        tasks = unmixed.setdefault(user, user.tasks)
        user.tasks = weighted(tasks, mix) or tasks
        if user.tasks is tasks:
            yield user.__name__


def report_failure(environment: Environment, error: HeadcountError) -> None:
    """Send the master the error that keeps this generator from recording, which ends the run."""
    runner = environment.runner
    assert runner is not None
    runner.send_message(LEDGER_FAILED, (_generator(environment), error.exit_code, str(error)))


def _generator(environment: Environment) -> int:
    return max(getattr(environment.runner, "worker_index", 0), 0)


def begin(environment: Environment) -> None:
    """Open this generator's ledger and start its recorder. PartError if it cannot be written.

    UsageError if ids have no room for the generator's number.
    """
    options, runner = environment.parsed_options, environment.runner
    assert options is not None
    assert runner is not None
    warm_up.finish()
    generator = _generator(environment)
    id_settings = id_settings_of(options)
    check_generator(id_settings.form, generator)
    filesystem, location = open_location(ledger_location(environment))
    writer = LedgerWriter(filesystem, location, options.prepared_tag, generator)
    try:
        writer.open()
    except OSError as error:
        raise PartError(f"the ledger cannot be written: {error}") from None
    runner.send_message(GENERATOR_BEGUN, generator)
    unmixed_users = tuple(_apply_mix(environment))
    state = state_of(environment)
    state.sealing = None
    state.random = Random(f"{options.prepared_seed}.{generator}")  # noqa: S311 - traffic
    state.recorder = Recorder(
        writer,
        functools.partial(report_failure, environment),
        clock_offset_ns(os.environ),
        id_settings,
    )
    state.recorder.shortfall.other_users = other_users(environment.user_classes)
    state.recorder.shortfall.unmixed_users = unmixed_users
    state.recorder.outcome_rules = split_rules(options.outcome)
    state.http_way = http_way_of(os.environ)
    state.health = health = HealthSampler(state.recorder, lambda: runner.user_count)
    if options.prepared_telling:
        send = functools.partial(runner.send_message, PROGRESS)
        state.reporter = ProgressReporter(
            *(generator, state.recorder, options.prepared_telling, send),
            measure_lag=lambda: health.schedule_lag_ms,
        )
    if state.probe is not None:
        state.probe.header_ids = probe_ids(
            options.prepared_tag, id_settings.form, id_settings.header
        )
        quit_when_over(environment, state.probe, state.recorder)
    arrival_driver.pace_users(environment, state.recorder, generator)
    prepare_interpreter()
