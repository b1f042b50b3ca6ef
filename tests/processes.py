"""Processes that tests watch, but did not start themselves."""

import psutil


def is_alive(process: psutil.Process) -> bool:
    """Return whether it still runs; a zombie holds no resources."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
