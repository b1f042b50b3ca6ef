"""The missing verifier: says what to run elsewhere if this environment cannot verify runs.

The web UI and the log show the text. In a Compose stack, it names the command that runs
`headcount` in another container.
"""

import importlib.util
import os

from headcount.compose import COMPOSE, typed_command
from headcount.installation import COMMAND, remedy


def why_not_verifiable(command: str = "verify RUN") -> str:
    """Why no run can be verified in this environment; empty if one can.

    `command` is the `headcount` command that the user can run elsewhere instead.
    """
    missing = [name for name in ("rich", "pyspark") if importlib.util.find_spec(name) is None]
    if not missing:
        return ""
    if os.environ.get(COMPOSE):
        return (
            "this container cannot verify runs: "
            f"{typed_command(f'headcount {command}', os.environ)}"
        )
    return (
        f"verifying a run needs {' and '.join(missing)}: {remedy(COMMAND)}, or run headcount "
        f"{command} on a machine that can verify runs"
    )
