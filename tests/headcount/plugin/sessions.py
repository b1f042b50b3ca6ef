"""A session outside of Locust, and what it needs, for programs that make requests on their own."""

import sys
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

from locust.env import Environment

from headcount.ledger.location import open_location
from headcount.ledger.writer import LedgerWriter
from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.session import LedgerSession


def a_session(recorder: Recorder, base_url: str, **options: Any) -> Any:
    """Make a session that records its attempts, with Locust's own options."""
    return LedgerSession(
        recorder=recorder,
        user_name="Tester",
        base_url=base_url,
        request_event=Environment().events.request,
        user=None,
        max_retries=0,
        **options,
    )


def a_recorder(folder: str) -> Recorder:
    """Make the recorder of generator 0, with a ledger in a folder; its failure ends the process."""
    writer = LedgerWriter(*open_location(folder), "run-1", 0)
    writer.open()
    return Recorder(writer, lambda error: sys.exit(str(error)))


def tls_options(certificate: str) -> dict[str, Any]:
    """Return the options of a gevent server that speaks TLS with a certificate."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return {"ssl_context": context}
