"""The service's own gunicorn settings and hooks."""

import runpy

globals().update(runpy.run_path("service/headcount_service/gunicorn.conf.py"))
