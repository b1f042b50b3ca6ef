"""The service's own gunicorn settings and hooks."""

import runpy

globals().update(runpy.run_path("service/gunicorn.conf.py"))
