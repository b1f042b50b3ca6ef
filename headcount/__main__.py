"""The `headcount` command, also as `python -m headcount`."""

from typing import NoReturn

from headcount.installation import COMMAND, exit_without


def main() -> NoReturn:
    """Run the command; exit with code 5 if a package that it needs is not installed."""
    try:
        from headcount.cli import main as run_command  # noqa: PLC0415 - it may be missing a package
    except ModuleNotFoundError as error:
        exit_without(error, COMMAND)
        raise
    run_command()


if __name__ == "__main__":
    main()
