"""An interrupt (Ctrl-C) that ends the run between two steps, never within one.

Python raises KeyboardInterrupt in whatever greenlet is running. In a user's, that may be between
the end of an attempt and its row, and the row is lost. Here the event loop takes the signal, and
raises it where Locust waits for the run to end.
"""

import signal

import gevent


def listen() -> None:
    """Take interrupts from now on, unless they are ignored or somebody else takes them."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        gevent.signal_handler(signal.SIGINT, _interrupt)


def _interrupt() -> None:
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
