"""The command line: the one place that knows all the parts."""

from headcount.cli.main import main

__all__ = ["main"]
