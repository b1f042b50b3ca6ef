"""The locations of a run's folder and ledger."""

from pathlib import Path

from locust.env import Environment

from headcount.run.folder import RunFolder


def folder_of(environment: Environment) -> RunFolder:
    """Return the folder of the prepared run."""
    options = environment.parsed_options
    assert options is not None
    return RunFolder(Path(options.reports_dir).absolute() / options.prepared_run)


def ledger_location(environment: Environment) -> str:
    """Return the location of the run's ledger, for generators and Spark."""
    options, folder = environment.parsed_options, folder_of(environment)
    assert options is not None
    return folder.located(folder.ledger_of(options.ledger, options.prepared_tag))
