"""Options of Locust's that stand after `--`: what Headcount decides itself is refused by name.

Locust would take the last of two, and the command would go on with the other.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headcount.errors import UsageError

_SHORT = 2
"""How long a short option is: its value may follow at once, as in -u5."""

_LOCUSTFILE = "name the locustfile before --, as in headcount {command} FILE"
_OWN = "write it before --, as an option of headcount {command}"
_WORKER = "a worker is started with plain Locust, where it is to run"
_WEB = "headcount run has no web UI; headcount up has one"

_ALWAYS: Mapping[str, str] = {
    **dict.fromkeys(("-f", "--locustfile"), _LOCUSTFILE),
    **dict.fromkeys(("-H", "--host", "--bootstrap-servers", "--topic"), _OWN),
    **dict.fromkeys(("--reports-dir", "--event-id-field", "--promise"), _OWN),
    "--worker": _WORKER,
}
BY_RUN: Mapping[str, str] = {
    **_ALWAYS,
    **dict.fromkeys(("-u", "--users", "-r", "--spawn-rate", "-t", "--run-time"), _OWN),
    **dict.fromkeys(("--processes", "--rate", "--spacing", "--max-in-flight"), _OWN),
    **dict.fromkeys(("--mix", "--seed", "--run-id", "--ledger", "--thresholds"), _OWN),
    **dict.fromkeys(("-P", "--web-port", "--web-host", "--autostart", "--autoquit"), _WEB),
}
"""What `headcount run` decides, and what to write instead."""
BY_UP: Mapping[str, str] = {
    **_ALWAYS,
    "--headless": "headcount up keeps a web UI; headcount run is without one",
}
"""What `headcount up` decides, and what to write instead."""


def refuse_decided(command: str, extra: Sequence[str], decided: Mapping[str, str]) -> None:
    """Refuse options that a command decides itself. UsageError names what to write instead."""
    for word in extra:
        name = word.partition("=")[0] if word.startswith("--") else word[:_SHORT]
        if name in decided:
            remedy = decided[name].format(command=command)
            raise UsageError(f"{name} after -- is decided by headcount {command}: {remedy}")


@dataclass(frozen=True, slots=True)
class WebPlace:
    """Where Locust's web UI is to listen, and the way to it; None and empty where not given."""

    port: int | None = None
    host: str = ""
    base_path: str = ""
    has_tls: bool = False

    def url(self, host: str, port: int) -> str:
        """Give the address to open, where it listens on a host, at a port."""
        shown = f"[{host}]" if ":" in host else host
        return f"http{'s' if self.has_tls else ''}://{shown}:{port}{self.base_path}"


def web_place(extra: Sequence[str]) -> WebPlace:
    """Read where the web UI is to listen, as Locust does. UsageError for a port that is none."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("-P", "--web-port")
    parser.add_argument("--web-host", default="")
    parser.add_argument("--web-base-path", default="")
    parser.add_argument("--tls-cert")
    try:
        found, _ = parser.parse_known_args(list(extra))
        port = None if found.web_port is None else int(found.web_port)
    except (argparse.ArgumentError, ValueError) as error:
        raise UsageError(f"--web-port after -- must be a port's number: {error}") from None
    if port is not None and not 0 < port < 1 << 16:
        raise UsageError(f"--web-port after -- must be from 1 to 65535, got {port}")
    return WebPlace(port, found.web_host, found.web_base_path, found.tls_cert is not None)
