"""An interrupt (Ctrl-C) that ends the run between two steps, never within one.

Python raises KeyboardInterrupt in whatever greenlet is running. In a user's, that may be between
the end of an attempt and its row, and the row is lost. Here the event loop takes the signal, and
raises it where Locust waits for the run to end.
"""

import signal

import gevent


def listen() -> None:
    """Take interrupts from now on; to be called where the main greenlet's event loop is."""
    gevent.signal_handler(signal.SIGINT, _interrupt)


def _interrupt() -> None:
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
