"""How gunicorn serves the application, and when a worker's parts start and end.

    gunicorn -c service/headcount_service/gunicorn.conf.py [another.module:app]

Settings and catalogue are read here, in the master and before anything is bound, so that a mistake
in them ends gunicorn with a line on stderr and the exit code 2, and not worker after worker.

A worker goes through: fork, import of the application, `post_worker_init` (the parts start),
requests; on SIGTERM no more connections, the requests in hand, `worker_exit` (the parts close:
what the publisher has taken is acknowledged or given up on), end.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from headcount_service.app import parts_of
from headcount_service.catalogue import CatalogueError, load_catalogue
from headcount_service.errors import DatabaseError, SettingsError
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

# Longer than any load generator's own: a client must not meet a connection that has just closed.
keepalive = 75
# A request may wait a full acknowledgement, idle connections get gunicorn's 2 s, and the
# publisher as long again for the records whose clients were told 504.
graceful_timeout = int(2 * _settings.ack_timeout_s) + 10
timeout = graceful_timeout + 30

# Above the application's own bounds, whose answers are problem JSON; these end what is absurd.
limit_request_line = 8190
limit_request_fields = 2 * _settings.max_headers
limit_request_field_size = 2 * _settings.max_header_bytes

accesslog = None  # a line for each request costs more than the request, and the ledger has them
errorlog = "-"
loglevel = _settings.log_level
control_socket_disable = True  # it would be one path for every gunicorn of this user
forwarded_allow_ips = ""  # no proxy stands in front: no header may change what a request is
# The heartbeat's file: in memory where that can be, for a busy disk would look like a dead worker.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn makes an unguessable, unlinked file in it
worker_tmp_dir = (
    str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() and os.access(_SHARED_MEMORY, os.W_OK) else None
)


def on_starting(_server: Any) -> None:
    """Bring the database up to date, before there is a worker that needs it."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        upgrade(_settings)
    except DatabaseError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(5)


def when_ready(server: Any) -> None:
    """Prepare the master for a shutdown that leaves no request's outcome unknown."""
    drop_connections_on_term(server)


def post_worker_init(worker: Any) -> None:
    """Start the parts of the application that this worker serves."""
    service_log = logging.getLogger("headcount_service")
    service_log.handlers = worker.log.error_log.handlers
    service_log.setLevel(worker.log.loglevel)
    # kafka-python repeats an outage with every retry, and prints whole events when it debugs. The
    # publisher tells of an outage once.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    parts_of(worker.app.wsgi()).start()


def worker_exit(_server: Any, worker: Any) -> None:
    """Close the parts, after the last request; a worker that never loaded has none."""
    app = worker.app.callable
    if app is not None:
        parts_of(app).close()
