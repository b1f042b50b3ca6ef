"""Gunicorn's settings, and hooks that start and close a worker's parts.

    gunicorn -c service/headcount_service/gunicorn.conf.py [another.module:app]

The master reads settings and catalogue before it binds the port. So a mistake in them ends gunicorn
with a line on stderr and exit code 2, instead of ending one worker after another.

The life of a worker: fork, import the application, `post_worker_init` (start the parts), serve
requests. On SIGTERM: close the listeners, finish the requests, `worker_exit` (close the parts; the
publisher waits for outstanding acknowledgements), exit.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from headcount_service.app import parts_of
from headcount_service.catalogue import load_catalogue
from headcount_service.errors import CatalogueError, DatabaseError, SettingsError
from headcount_service.gunicorn_worker import drop_connections_on_term
from headcount_service.migrations.upgrade import upgrade
from headcount_service.settings import load_settings

try:
    _settings = load_settings()
    load_catalogue()
except (SettingsError, CatalogueError) as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(2)

wsgi_app = "headcount_service.wsgi:app"
bind = f"{_settings.host}:{_settings.port}"
worker_class = "headcount_service.gunicorn_worker.GunicornWorker"
workers = _settings.workers
threads = _settings.threads
preload_app = False  # a producer does not survive a fork

# Longer than a load generator keeps idle connections: a client must not send on a connection that
# the service is about to close.
keepalive = 75
# A request may wait for the database, and then for the full acknowledgement time-out. When it
# closes, the publisher waits for up to one more acknowledgement time-out, for records whose clients
# got a 504. In addition, gunicorn gives idle connections 2 s.
graceful_timeout = int(2 * _settings.ack_timeout_s + _settings.database_timeout_s) + 10
timeout = graceful_timeout + 30

# gunicorn's limits on headers are twice the application's own, so that usually the application
# itself refuses a request, with problem JSON. Only gunicorn limits the request line.
limit_request_line = 8190
limit_request_fields = 2 * _settings.max_headers
limit_request_field_size = 2 * _settings.max_header_bytes

accesslog = None  # logging a request costs more than serving it, and the ledger records requests
errorlog = "-"
loglevel = _settings.log_level
control_socket_disable = True  # all gunicorns of this user would share its path
forwarded_allow_ips = ""  # there is no proxy in front: ignore X-Forwarded headers
# The heartbeat file: in memory if possible, because on a busy disk a worker would appear dead.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn makes an unguessable, unlinked file in it
worker_tmp_dir = (
    str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() and os.access(_SHARED_MEMORY, os.W_OK) else None
)


def on_starting(_server: Any) -> None:
    """Upgrade the database's schema, before a worker needs it."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        upgrade(_settings)
    except DatabaseError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(5)


def when_ready(server: Any) -> None:
    """Have the master drop new connections at shutdown, so that clients know every outcome."""
    drop_connections_on_term(server)


def post_worker_init(worker: Any) -> None:
    """Start the application's parts in this worker."""
    service_log = logging.getLogger("headcount_service")
    service_log.handlers = worker.log.error_log.handlers
    service_log.setLevel(worker.log.loglevel)
    # kafka-python logs an outage at every retry, and whole events at debug level. The publisher
    # logs an outage once.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    parts_of(worker.app.wsgi()).start()


def worker_exit(_server: Any, worker: Any) -> None:
    """Close the parts after the last request; a worker that failed to load has none."""
    app = worker.app.callable
    if app is not None:
        parts_of(app).close()
