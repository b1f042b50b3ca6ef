"""Recording: a generator whose ids would not be unique never begins."""

import subprocess
import sys

import pytest

# Locust patches the standard library, so the plugin is imported in a process of its own.
PROGRAM = """
import sys
from argparse import Namespace
from types import SimpleNamespace
from headcount.plugin.startup import recording

recording.open_location = lambda location: sys.exit("it begins")
recording.ledger_location = lambda environment: ""
options = Namespace(id_form=sys.argv[1], id_header="", id_at="")
runner = SimpleNamespace(worker_index=int(sys.argv[2]))
recording.begin(SimpleNamespace(parsed_options=options, runner=runner))
"""


@pytest.mark.parametrize(
    ("form", "generator", "message"),
    [
        ("uuid", 65535, "it begins"),
        ("uuid", 65536, "UsageError: --id-form uuid has room for 65,536 generators"),
        ("trace", 65536, "UsageError: --id-form trace has room for 65,536 generators"),
        ("plain", 65536, "it begins"),
    ],
)
def test_how_many_generators_there_can_be(form: str, generator: int, message: str) -> None:
    """As many as the form of the ids has room for."""
    command = [sys.executable, "-c", PROGRAM, form, str(generator)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert message in done.stderr
