"""The worker: gunicorn's threaded one, which on its way out leaves nobody waiting at the door."""

from typing import Any

from service.sharing import SharingWorker


class ClosingWorker(SharingWorker):
    """Closes its listeners as soon as it accepts no more.

    gunicorn's keeps them open until its last connection has ended. Who connects meanwhile sends a
    request that nobody reads, and loses the connection in the end: the client cannot know what
    became of it. A closed port refuses at once, which proves that nothing was taken.
    """

    _is_closed = False

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or cease to accept; for a worker that ends, for good."""
        is_ending = not self.alive  # asked once: a signal may come at any moment
        super().set_accept_enabled(enabled and not is_ending)
        if is_ending and not self._is_closed:
            self._is_closed = True
            for listener in self.sockets:
                self._take_waiting(listener)
                listener.close()

    def _take_waiting(self, listener: Any) -> None:
        """Accept who has connected by now."""
        taken = -1
        while taken < self.nr_conns:
            taken = self.nr_conns
            self.accept(listener)
