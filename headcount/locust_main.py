"""The generator: Locust with the plugin, whether or not the locustfile imports it.

    python -m headcount.locust_main --locustfile shop.py --headless …

It takes Locust's options and the plugin's. A locustfile that cannot be loaded is a user's error, so
it is reported in one line.
"""

import sys
import traceback

from headcount import scenario_location
from headcount.errors import UsageError
from headcount.installation import GENERATOR, exit_without

try:
    import locust.main
    from locust.util.load_locustfile import load_locustfile

    import headcount.plugin  # noqa: F401 - importing it adds its options and listeners
except ModuleNotFoundError as missing:
    exit_without(missing, GENERATOR)
    raise


def main() -> None:
    """Run Locust; exit with code 2 if a locustfile raises an error while it is loaded."""
    try:
        locust.main.main()
    except Exception as error:
        if not any(
            frame.f_code is load_locustfile.__code__
            for frame, _ in traceback.walk_tb(error.__traceback__)
        ):
            raise
        sys.stderr.write(f"headcount: {_reason(error)}\n")
        sys.exit(UsageError.exit_code)


def _reason(error: Exception) -> str:
    where = scenario_location.of_traceback(error.__traceback__)
    at = "" if where is None else f" ({where.line})"
    if isinstance(error, SyntaxError):
        at = f" ({error.filename}:{error.lineno})"
        return f"the locustfile cannot be loaded: SyntaxError: {error.msg}{at}"
    return f"the locustfile cannot be loaded: {type(error).__name__}: {error}{at}"


if __name__ == "__main__":
    main()
