"""A WSGI module that serves the real application, in workers that pause for `PAUSE_S` seconds."""

import os

from headcount_service.worker import sharing
from headcount_service.wsgi import app

__all__ = ["app"]

sharing.PAUSE_S = float(os.environ["PAUSE_S"])
