"""Compose: the commands and paths to show to a user if Headcount runs in a Compose stack.

docker-compose.yml sets the variable HEADCOUNT_COMPOSE. Without it, commands and paths are left
unchanged.
"""

from collections.abc import Mapping
from pathlib import Path

COMPOSE = "HEADCOUNT_COMPOSE"
"""The variable with the command of the stack, such as `docker compose`."""

_RUN = "run --rm analysis"


def typed_command(command: str, environ: Mapping[str, str]) -> str:
    """Return a `headcount` command as one types it on the host."""
    compose = environ.get(COMPOSE, "")
    return f"{compose} {_RUN} {command}" if compose else command


def shown_path(path: Path, environ: Mapping[str, str]) -> Path:
    """Return a path as it is on the host: in Compose, relative to the project's folder."""
    here = Path.cwd()
    is_mounted = bool(environ.get(COMPOSE)) and path.is_relative_to(here)
    return path.relative_to(here) if is_mounted else path


def ownership_remedy(environ: Mapping[str, str]) -> str:
    """Say what to do about a folder of runs that belongs to another user."""
    compose = environ.get(COMPOSE, "")
    if not compose:
        return "choose another --reports-dir, or make this user its owner"
    return (
        "change the folder's owner to your user, set HEADCOUNT_UID and HEADCOUNT_GID in .env to "
        f"the output of id -u and id -g, and start again with {compose} up --build"
    )
