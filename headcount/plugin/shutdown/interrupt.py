"""Interrupts (Ctrl-C): end the run between two steps, never within one.

Python raises KeyboardInterrupt in whichever greenlet is running. In a user's greenlet, that may be
after an attempt has ended and before its row is added, and the row would be lost. Instead, the
event loop handles the signal, and raises the exception where Locust waits for the run to end.
"""

import signal

import gevent


def listen() -> None:
    """Handle interrupts from now on, unless they are ignored or already have another handler."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        gevent.signal_handler(signal.SIGINT, _interrupt)


def _interrupt() -> None:
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
