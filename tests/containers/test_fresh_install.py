"""The first run on a fresh machine: Debian with Python alone, a wheel, a service of one's own."""

import json
import os
import shutil
from pathlib import Path

import pytest

from headcount.cli.platform import platform
from headcount.console import Console
from headcount.run.verdict import Verdict
from tests.containers.engine import engine
from tests.containers.stand_ins import image_name, import_python, served_folder
from tests.wheels import ROOT, build_wheels

pytestmark = [pytest.mark.e2e, pytest.mark.heavy, pytest.mark.root]

USER = 1000
LIMIT_S = 300
"""How long the commands may take; what they download comes from a server on the same machine."""

COMMANDS = """\
set -e
python -m venv venv
. venv/bin/activate
pip install --quiet --no-compile *.whl
headcount up --broker-only --topic orders > broker.log &
up=$!
until grep --quiet ^Ctrl broker.log; do sleep 0.2; done
kafka=$(sed -n 's/^Kafka *//p' broker.log)
python service.py 5055 "$kafka" &
service=$!
headcount init --host http://127.0.0.1:5055 --bootstrap-servers "$kafka" --topic orders \\
    --path /orders --body '{"item": "apple", "quantity": 2}' --ci github
headcount probe --write headcount.toml
headcount run --run-time 5s
kill $service $up
wait $up || [ $? -eq 130 ]
"""


def test_a_fresh_install(tmp_path: Path) -> None:
    """Install, init, probe and run end within five minutes, and the run passes."""
    trial = tmp_path / "trial"
    trial.mkdir()
    (wheel,) = build_wheels(tmp_path, ROOT)
    for file in (wheel, ROOT / "examples" / "orders" / "service.py"):
        shutil.copy(file, trial)
    (trial / "commands.sh").write_text(COMMANDS)
    os.chown(trial, USER, USER)
    ready = platform(dict(os.environ), Console(quiet=True))
    with engine(tmp_path, served_folder(ready)) as running:
        import_python(running, ready)
        container = ("run", "--rm", "--network", "host", "--user", f"{USER}:{USER}")
        mounted = ("--volume", f"{trial}:/trial", "--workdir", "/trial", "--env", "HOME=/trial")
        command = ("timeout", str(LIMIT_S), "sh", "commands.sh")
        running.docker(*container, *mounted, image_name("PYTHON_IMAGE"), *command)
    (verdict,) = trial.glob("reports/*/verdict.json")
    judged = json.loads(verdict.read_text())
    assert judged["verdict"] == Verdict.PASS
    assert judged["counts"]["delivered"] == judged["counts"]["attempted"] > 0
