"""Targets: the service and the topic that a run was made against."""

import ipaddress
from urllib.parse import urlsplit

from headcount.run.address import without_secrets

_FIRST_EPHEMERAL_PORT = 32_768
"""Ports that an operating system assigns have at least this number.

A service on such a port usually has a different one in each run.
"""


def target_of(host: str, topic: str) -> str:
    """Name a target, such as `http://orders.test → orders`.

    The port of a service on the same machine is left out if the system assigned it: it differs from
    run to run. The path of the URL, its user and its query are left out, too.
    """
    address = _address(without_secrets(host))
    return f"{address} → {topic}" if topic else address


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return "not a URL"
    if ":" in name:
        name = f"[{name}]"
    is_left_out = port is None or (port >= _FIRST_EPHEMERAL_PORT and _is_loopback(name))
    return f"{parts.scheme}://{name}{'' if is_left_out else f':{port}'}"


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
