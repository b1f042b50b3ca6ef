"""A WSGI module that serves the real application, in workers that pause for `PAUSE_S` seconds."""

import os

from headcount_service import gunicorn_worker
from headcount_service.wsgi import app

__all__ = ["app"]

gunicorn_worker.SHARE_PAUSE_S = float(os.environ["PAUSE_S"])
