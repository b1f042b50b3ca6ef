"""The orders of the example, whose run ends when enough of them are made."""

import runpy

from tests.headcount.plugin import ending  # noqa: F401 - it listens

Customer = runpy.run_path("examples/orders/locustfile.py")["Customer"]
