"""Processes that tests watch, and did not start themselves."""

import psutil


def is_alive(process: psutil.Process) -> bool:
    """Tell whether it still does something; one that is only not reaped yet holds nothing."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
