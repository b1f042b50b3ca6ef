"""The scenario of the orders example; the run ends after enough orders."""

import runpy

from tests.headcount.plugin import ending  # noqa: F401 - adds a listener

Customer = runpy.run_path("examples/orders/locustfile.py")["Customer"]
