"""Locust's options after `--`: refuses those that Headcount sets itself.

If an option occurs twice, Locust uses the last value, but the command would rely on the first.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headcount.errors import UsageError

_SHORT = 2
"""The length of a short option, whose value may follow without a space, as in -u5."""

_LOCUSTFILE = "name the locustfile before --, as in headcount {command} FILE"
_OWN = "write it before --, as an option of headcount {command}"
_WORKER = "start a worker with plain Locust, on its own host"
_WEB = "headcount run has no web UI; headcount up has one"
_BOUNDED = (
    "in a probe, --requests sets the number of requests, and each task runs in turn; this option "
    "is only for headcount run"
)

_ALWAYS: Mapping[str, str] = {
    **dict.fromkeys(("-f", "--locustfile"), _LOCUSTFILE),
    **dict.fromkeys(("-H", "--host", "--bootstrap-servers", "--topic"), _OWN),
    **dict.fromkeys(("--reports-dir", "--promise", "--id-header", "--id-form"), _OWN),
    **dict.fromkeys(("--id-at", "--format", "--compare-at", "--schema-registry"), _OWN),
    "--trace-url": _OWN,
    "--worker": _WORKER,
}
BY_RUN: Mapping[str, str] = {
    **_ALWAYS,
    **dict.fromkeys(("-u", "--users", "-r", "--spawn-rate", "-t", "--run-time"), _OWN),
    **dict.fromkeys(("--processes", "--rate", "--spacing", "--max-in-flight"), _OWN),
    **dict.fromkeys(("--mix", "--seed", "--run-id", "--ledger", "--thresholds"), _OWN),
    **dict.fromkeys(("--metrics-port", "--metrics-linger"), _OWN),
    **dict.fromkeys(("-P", "--web-port", "--web-host", "--autostart", "--autoquit"), _WEB),
}
"""Options of Locust that `headcount run` sets itself, and what to write instead."""
BY_PROBE: Mapping[str, str] = {
    **BY_RUN,
    **dict.fromkeys(("-u", "--users", "-r", "--spawn-rate", "-t", "--run-time"), _BOUNDED),
    **dict.fromkeys(("--processes", "--rate", "--spacing", "--max-in-flight", "--mix"), _BOUNDED),
}
"""Options of Locust that `headcount probe` sets itself, and what to write instead."""
BY_UP: Mapping[str, str] = {
    **_ALWAYS,
    "--headless": "headcount up always has a web UI; headcount run has none",
}
"""Options of Locust that `headcount up` sets itself, and what to write instead."""


def refuse_decided(command: str, extra: Sequence[str], decided: Mapping[str, str]) -> None:
    """Refuse options that a command sets itself. UsageError names what to write instead."""
    for word in extra:
        name = word.partition("=")[0] if word.startswith("--") else word[:_SHORT]
        if name in decided:
            remedy = decided[name].format(command=command)
            raise UsageError(f"headcount {command} does not accept {name} after --: {remedy}")


@dataclass(frozen=True, slots=True)
class WebPlace:
    """Where Locust's web UI listens, and its path; None or empty if not set."""

    port: int | None = None
    host: str = ""
    base_path: str = ""
    has_tls: bool = False

    def url(self, host: str, port: int) -> str:
        """Return the URL to open, for a host and a port."""
        shown = f"[{host}]" if ":" in host else host
        return f"http{'s' if self.has_tls else ''}://{shown}:{port}{self.base_path}"


def web_place(extra: Sequence[str]) -> WebPlace:
    """Parse where the web UI listens, as Locust does. UsageError if the port is not valid."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("-P", "--web-port")
    parser.add_argument("--web-host", default="")
    parser.add_argument("--web-base-path", default="")
    parser.add_argument("--tls-cert")
    try:
        options, _ = parser.parse_known_args(list(extra))
        port = None if options.web_port is None else int(options.web_port)
    except (argparse.ArgumentError, ValueError) as error:
        raise UsageError(f"--web-port after -- must be a port number: {error}") from None
    if port is not None and not 0 < port < 1 << 16:
        raise UsageError(f"--web-port after -- must be from 1 to 65535, got {port}")
    return WebPlace(port, options.web_host, options.web_base_path, options.tls_cert is not None)
