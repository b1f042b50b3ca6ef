"""The plugin in a real Locust: in every mode, the ledger matches the requests received."""

import functools
import os
import resource
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from requests.auth import _basic_auth_str

from headcount.ledger.generator_health import read_health
from headcount.ledger.location import open_location
from headcount.run.folder import RunFolder
from headcount.run.marks import read_marks
from headcount.stack.ports import free_port, is_listening
from tests.headcount.plugin.locusts import (
    DEADLINE_S,
    ENOUGH,
    Bench,
    counted,
)

pytestmark = pytest.mark.e2e


def test_several_processes(bench: Bench) -> None:
    """Ledger and service have the same requests; each generator's health is beside its ledger.

    The manifest has the end offsets of the topic at the start, and the epochs of their leaders.
    """
    bench.headless("--processes", "2")
    manifest = RunFolder(bench.reports / "run-1").read_manifest()
    at_first = dict.fromkeys(range(4), 0)
    assert (manifest.start_offsets, manifest.start_epochs) == (at_first, at_first)
    bench.assert_accounts_agree(generators=2)
    filesystem, location = open_location(str(bench.reports / "run-1" / "ledger"))
    for part in bench.parts():
        health = read_health(filesystem, location, part.generator)
        assert health is not None
        assert part.seal is not None
        assert health.samples[-1].attempted <= part.seal.attempted
        assert sum(sample.cpu_percent for sample in health.samples) > 0
        assert any(sample.attempted for sample in health.samples)
        assert max(sample.users for sample in health.samples) > 0
        assert all(sample.dropped == 0 for sample in health.samples)


def test_nothing_in_flight_is_dropped(bench: Bench) -> None:
    """A headless master that quits waits for the requests in flight."""
    bench.service.answer_after_s = 1.0
    bench.headless("--processes", "2", "-u", "40", "-r", "40")
    bench.assert_accounts_agree(generators=2)
    assert {row["outcome"] for row in bench.rows()} == {"acked"}


def run_distributed(bench: Bench, *options: str) -> None:
    """Carry out a counted run with a master and two workers; each must exit with 0."""
    port = str(free_port())
    master = bench.command(
        *("--master", "--master-bind-port", port, "--expect-workers", "2"),
        *("--headless", "-u", "10", "-r", "10", "--run-id", "run-1", *options),
        locustfile=counted(),
    )
    worker = bench.command("--worker", "--master-port", port, locustfile=counted())
    with (
        bench.started(master) as leader,
        bench.started(worker) as one,
        bench.started(worker) as two,
    ):
        codes = [locust.wait(DEADLINE_S) for locust in (leader, one, two)]
    assert codes == [0, 0, 0]


def test_master_and_workers(bench: Bench) -> None:
    """With a manually started master and workers, each worker has its own ledger."""
    run_distributed(bench)
    bench.assert_accounts_agree(generators=2)


@pytest.mark.slow
def test_a_separate_ledger_location(bench: Bench, tmp_path: Path) -> None:
    """Workers write to the master's location, and nothing else of the run."""
    run_distributed(bench, "--ledger", str(tmp_path / "ledgers"))
    assert bench.ledger() == tmp_path / "ledgers" / f"run-1-{bench.tag()}"
    assert not (bench.reports / "run-1" / "ledger").exists()
    bench.assert_accounts_agree(generators=2)


@pytest.mark.slow
def test_workers_that_come_and_go(bench: Bench, tmp_path: Path) -> None:
    """One joins late, one leaves early, one returns, one hangs: every request has its row."""
    port, log = str(free_port()), tmp_path / "master.log"
    master = bench.command(
        *("--master", "--master-bind-port", port, "--enable-rebalancing", "--run-id", "run-1"),
        *("--headless", "-u", "20", "-r", "20", "--expect-workers", "1", "--logfile", str(log)),
    )
    worker = bench.command("--worker", "--master-port", port)
    with bench.started(master) as leader, bench.started(worker) as first:
        bench.wait_for(lambda: bench.has_received_from(0), "the first makes requests")
        with bench.started(worker) as second:
            bench.wait_for(lambda: bench.has_received_from(1), "one that came late makes requests")
            second.terminate()
            assert second.wait(DEADLINE_S) == 0
        with bench.started(worker) as third:
            bench.wait_for(lambda: bench.has_received_from(2), "one that came back makes requests")
            stopped_at_s = time.monotonic()
            first.send_signal(signal.SIGSTOP)
            bench.wait_for(
                lambda: "failed to send heartbeat" in log.read_text(), "the first is missed"
            )
            assert time.monotonic() - stopped_at_s > 9  # Locust alone: 3 to 4 s
            bench.has_received_from(0)
            first.send_signal(signal.SIGCONT)
            bench.wait_for(lambda: bench.has_received_from(0), "the first goes on")
            leader.terminate()
            codes = [locust.wait(DEADLINE_S) for locust in (leader, first, third)]
    assert codes == [0, 0, 0]
    bench.assert_accounts_agree(generators=3)


@pytest.mark.slow
def test_every_worker_goes_missing(bench: Bench) -> None:
    """A headless master ends with exit code 5 and the reason, and does not wait for ever."""
    port = str(free_port())
    master = bench.command(
        *("--master", "--master-bind-port", port, "--expect-workers", "1", "--run-id", "run-1"),
        *("--headless", "-u", "5", "-r", "5"),
    )
    worker = bench.command("--worker", "--master-port", port)
    with bench.started(master) as leader, bench.started(worker) as only:
        bench.wait_for(lambda: bench.has_received_from(0), "the worker makes requests")
        only.kill()
        assert leader.wait(DEADLINE_S) == 5
    ended = RunFolder(bench.reports / "run-1").read_locust_exit()
    assert ended is not None
    assert ended.reason == "all workers disappeared without sealing their ledgers"


def test_web_ui(bench: Bench) -> None:
    """Each test started from the web UI is a separate run."""
    port = free_port()
    with bench.started(bench.command("--web-host", "127.0.0.1", "--web-port", str(port))) as locust:
        bench.wait_for(lambda: is_listening(port), "the web UI listens")
        for _ in range(2):
            bench.service.received.clear()
            _post(f"http://127.0.0.1:{port}/swarm", user_count="10", spawn_rate="10", mix="sword=1")
            bench.wait_for(lambda: len(bench.service.received) > 50, "requests arrive")
            _post(f"http://127.0.0.1:{port}/stop")
            newest = max(bench.reports.iterdir(), key=lambda path: path.stat().st_ctime_ns).name
            bench.wait_for(functools.partial(bench.is_sealed, newest), "it is sealed")
            bench.assert_accounts_agree(newest)
            assert {row["event_type"] for row in bench.rows(newest)} == {"purchase_sword"}
        locust.terminate()
        locust.wait(DEADLINE_S)
    assert len(list(bench.reports.iterdir())) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_signal_seals(bench: Bench, number: signal.Signals, processes: int) -> None:
    """A run ended by a signal is sealed with every request."""
    options = ("--headless", "-u", "10", "-r", "10", "--run-id", "run-1")
    several = () if processes == 1 else ("--processes", str(processes))
    with bench.started(bench.command(*options, *several)) as locust:
        for generator in range(processes):
            has_received = functools.partial(bench.has_received_from, generator)
            bench.wait_for(has_received, f"generator {generator} makes requests")
        locust.send_signal(number)
        locust.wait(DEADLINE_S)
    bench.assert_accounts_agree(generators=processes)


NOTING_WAYS = """
import os
from pathlib import Path
from locust import events

@events.request.add_listener
def note(response, **_):
    with Path(os.environ["WAYS"]).open("a") as file:
        file.write(type(response).__name__ + "\\n")

from mixed import *
"""


@pytest.mark.parametrize(
    ("way", "response"),
    [
        ("lean", "PlainResponse"),
        pytest.param("general", "AccountedResponse", marks=pytest.mark.slow),
    ],
)
def test_ledger_and_service_agree_on_both_paths(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, response: str
) -> None:
    """HEADCOUNT_HTTP=general sends every request through Locust's session, and records it."""
    scenario, ways = tmp_path / "noting.py", tmp_path / "ways"
    scenario.write_text(NOTING_WAYS)
    monkeypatch.setenv("PYTHONPATH", "locustfiles")
    monkeypatch.setenv("HEADCOUNT_HTTP", way)
    monkeypatch.setenv("WAYS", str(ways))
    bench.headless(locustfile=str(scenario))
    bench.assert_accounts_agree()
    assert set(ways.read_text().split()) == {response}


def test_an_unknown_http_way_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names it, before anything is sent."""
    monkeypatch.setenv("HEADCOUNT_HTTP", "fast")
    command = bench.command("--headless", "-t", "1s", "--run-id", "run-1")
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 2, done.stderr
    assert "HEADCOUNT_HTTP must be lean or general, got 'fast'" in done.stderr
    assert bench.service.received == []


INTERRUPTED = """
import signal
from locust import task
from headcount.plugin import LedgerUser

class Hasty(LedgerUser):
    def on_start(self):
        self.buy("before")
        signal.raise_signal(signal.SIGINT)
        self.buy("after")

    @task
    def buy(self, item="something"):
        self.client.post("/buy", json={}, event={"event_type": item})
"""


def test_an_interrupt_loses_no_row(bench: Bench, tmp_path: Path) -> None:
    """It arrives while a user is running, which continues until users are stopped."""
    (tmp_path / "hasty.py").write_text(INTERRUPTED)
    bench.headless("-u", "1", locustfile=str(tmp_path / "hasty.py"))
    bench.assert_accounts_agree()
    assert {"before", "after"} <= {row["event_type"] for row in bench.rows()}


def test_a_request_is_sent_once(bench: Bench) -> None:
    """The client does not resend when a connection breaks before the response."""
    bench.service.hangs_up = True
    bench.headless("--mix", "default=1")
    bench.assert_accounts_agree()
    assert {row["outcome"] for row in bench.rows()} == {"indeterminate"}


def test_a_redirect_is_not_followed(bench: Bench) -> None:
    """An id is not reused for a second request, and a redirect is not an acknowledgement."""
    bench.service.status = 302
    bench.headless()
    bench.assert_accounts_agree()
    assert {(row["outcome"], row["http_status"]) for row in bench.rows()} == {
        ("indeterminate", 302)
    }


@pytest.mark.slow
def test_two_starts_under_one_run_id_share_nothing(bench: Bench, tmp_path: Path) -> None:
    """Two hosts use the same run id at the same time: no id of one can match the other's.

    Their ledgers lie apart where both keep them in one place, and the password in their host's
    address reaches the service, but none of their files.
    """
    ledgers = tmp_path / "ledgers"
    host = bench.service.url.replace("://", "://user:hunter2@")
    benches = [replace(bench, reports=tmp_path / name) for name in ("one", "other")]
    load = ("--headless", "-u", "5", "-r", "5", "--exit-code-on-error", "0", "--run-id", "run-1")
    with ExitStack() as stack:
        for one_bench in benches:
            options = ("--host", host, "--ledger", str(ledgers))
            command = one_bench.command(*load, *options, locustfile=counted())
            locust = stack.enter_context(bench.started(command))
            stack.callback(locust.wait, DEADLINE_S)

    tags = [one_bench.tag() for one_bench in benches]
    assert len(set(tags)) == 2
    assert {path.name for path in ledgers.iterdir()} == {f"run-1-{tag}" for tag in tags}
    written = [
        f"{one_bench.tag()}.0.{row['seq']}" for one_bench in benches for row in one_bench.rows()
    ]
    assert sorted(written) == sorted(bench.service.received)
    assert bench.service.authorizations == {_basic_auth_str("user", "hunter2")}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if b"hunter2" in path.read_bytes()] == []


@pytest.mark.slow
def test_a_seed_repeats_the_requests(bench: Bench) -> None:
    """The same seed gives each generator the same requests, another seed different ones."""

    def sequence(run_id: str, seed: str) -> list[tuple[int, int]]:
        bench.headless("--seed", seed, run_id=run_id)
        rows = sorted(bench.rows(run_id), key=lambda row: row["seq"])
        return [(row["seq"], row["digest"]) for row in rows]

    sequences = [sequence("first", "7"), sequence("again", "7"), sequence("other", "8")]
    # While users are stopping one by one, their order is random.
    first, again, other = (requests[:ENOUGH] for requests in sequences)
    assert len(first) == ENOUGH
    assert again == first
    assert other != first


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            ("--mix", "bow=1"),
            2,
            "--mix names the unknown task 'bow'; the tasks are default, guild, sword",
        ),
        (("--thresholds", "lst == 0"), 2, "there is no metric 'lst'; did you mean lost?"),
        (("--seed", "x"), 2, "--seed must be a whole number, got 'x'"),
        (("--run-id", "A b"), 2, "--run-id must be"),
        (("--id-at", "/a/b"), 2, "--id-at must be field:NAME"),
        (("--id-header", "traceparent"), 2, "--id-header traceparent takes a trace-id"),
        (("--format", "xml"), 2, "--format must be one of json, cloudevents,"),
        (("--topic", "none"), 2, "there is no topic 'none'"),
        (("--bootstrap-servers", "127.0.0.1:1"), 5, "no Kafka broker answered at 127.0.0.1:1"),
        (("--reports-dir", "/dev/null/x"), 2, "choose another --reports-dir"),
        (("--processes", "2", "--mix", "bow=1"), 2, "--mix names the unknown task 'bow'"),
    ],
)
def test_a_run_that_cannot_begin_says_why(
    bench: Bench, options: tuple[str, ...], code: int, message: str
) -> None:
    """One line, the right exit code, no request and no traceback."""
    command = bench.command("--headless", "-t", "1s", "--run-id", "run-1", *options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("headcount: ")]
    assert (done.returncode, len(lines)) == (code, 1), done.stderr
    assert message in lines[0]
    assert "Traceback" not in done.stderr
    assert bench.service.received == []


@pytest.mark.slow
def test_a_run_is_not_written_over(bench: Bench) -> None:
    """An existing run id is refused, and its run stays unchanged."""
    bench.headless()
    before = RunFolder(bench.reports / "run-1").read_manifest()
    command = bench.command("--headless", "-t", "1s", "--run-id", "run-1")
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, "already exists" in done.stderr) == (2, True)
    assert RunFolder(bench.reports / "run-1").read_manifest() == before


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_ledger_that_cannot_be_written_ends_the_run(bench: Bench, processes: int) -> None:
    """A full disk ends the test early, with exit code 5 and one clear line."""
    several = () if processes == 1 else ("--processes", str(processes))
    command = bench.command("--headless", "-u", "10", "-r", "10", "--run-id", "run-1", *several)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )
    assert done.returncode == 5, done.stderr
    assert "the ledger cannot be written" in done.stderr
    assert "File too large" in done.stderr
    assert os.listdir(bench.reports / "run-1" / "ledger")  # noqa: PTH208 - only that it is there


@pytest.mark.slow
def test_a_failed_ledger_is_not_waited_for(bench: Bench) -> None:
    """If one of two workers cannot write, the master waits only for the other's seal."""
    port = str(free_port())
    master = bench.command(
        *("--master", "--master-bind-port", port, "--expect-workers", "2"),
        *("--headless", "-u", "10", "-r", "10", "--run-id", "run-1"),
    )
    worker = bench.command("--worker", "--master-port", port)
    limited = ["sh", "-c", 'ulimit -f 4; exec "$@"', "limited", *worker]  # of 512 bytes
    with (
        bench.started(master) as leader,
        bench.started(worker) as one,
        bench.started(limited) as other,
    ):
        for process in (leader, one, other):
            process.wait(DEADLINE_S)
        stderr = leader.stderr_text
    assert leader.returncode == 5, stderr
    assert "the ledger cannot be written" in stderr
    assert "has not sealed" not in stderr
    assert sum(part.seal is not None for part in bench.parts()) == 1


@pytest.mark.slow
def test_a_threshold_stops_the_test(bench: Bench) -> None:
    """If the service publishes nothing: exit code 4, sealed ledgers, and a recorded reason."""
    load = ("--headless", "-u", "10", "-r", "10", "-t", "5m", "--processes", "2")
    thresholds = ("--thresholds", "http.p99 < 60s; lost == 0 abort")
    command = bench.command(*load, "--run-id", "run-1", *thresholds)
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 4, done.stderr
    assert "stopping the test: lost == 0 abort: " in done.stderr
    bench.assert_accounts_agree(generators=2)
    folder = RunFolder(bench.reports / "run-1")
    abort = folder.read_abort()
    assert abort is not None
    assert abort.threshold == "lost == 0 abort"
    assert 0 < int(abort.measured.replace(",", "")) <= len(bench.service.received)
    assert [mark.text for mark in read_marks(folder.marks_path)] == [
        f"the test was stopped: lost == 0 abort: {abort.measured}"
    ]


@pytest.mark.slow
def test_no_monitor_without_need(bench: Bench) -> None:
    """The topic watcher runs only for a web UI or an `abort` threshold."""
    bench.headless("--thresholds", "lost == 0")
    assert not (bench.reports / "run-1" / "logs").exists()
    manifest = RunFolder(bench.reports / "run-1").read_manifest()
    assert manifest.thresholds == ("lost == 0",)


UNCOMPARABLE = """
from locust import task
from headcount.plugin import LedgerUser

class Gambler(LedgerUser):
    @task
    def bet(self):
        self.client.post("/bet", json={}, event={"event_type": "bet", "odds": float("nan")})
"""


def test_an_event_that_cannot_be_compared_ends_the_run(bench: Bench, tmp_path: Path) -> None:
    """A request that cannot be accounted for is not sent, and the run stops with the reason."""
    (tmp_path / "gambler.py").write_text(UNCOMPARABLE)
    command = bench.command(
        *("--headless", "-u", "2", "-r", "2", "--run-id", "run-1"),
        locustfile=str(tmp_path / "gambler.py"),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 2, done.stderr
    assert "Gambler in gambler.py:8 (task bet) passes an event= that cannot" in done.stderr
    assert bench.service.received == []


def _post(url: str, **fields: str) -> None:
    data = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(url, data, timeout=120) as answer:  # noqa: S310 - it is http
        assert answer.status == 200
