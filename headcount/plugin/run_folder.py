"""Where a run is written: its folder, and its ledger."""

from pathlib import Path

from locust.env import Environment

from headcount.run.folder import RunFolder


def folder_of(environment: Environment) -> RunFolder:
    """Give the folder of the run that was prepared."""
    options = environment.parsed_options
    assert options is not None
    return RunFolder(Path(options.reports_dir).absolute() / options.prepared_run)


def ledger_location(environment: Environment) -> str:
    """Give the place of its ledger, as generators and Spark reach it."""
    options, folder = environment.parsed_options, folder_of(environment)
    assert options is not None
    return folder.located(folder.ledger_of(options.ledger, options.prepared_tag))
