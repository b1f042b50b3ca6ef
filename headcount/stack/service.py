"""The server: a service under gunicorn, as a child process configured by its environment.

The service is never imported here: it may be any WSGI application.
"""

import contextlib
import http.client
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from headcount.errors import PartError, UsageError
from headcount.stack.part import Part
from headcount.stack.ports import LOOPBACK, free_port, is_free
from headcount.stack.process import Process, wait_until

DEFAULT_APP = "headcount_service.wsgi:app"
DEFAULT_PORT = 8000
DATABASE_VARIABLE = "SERVICE_DATABASE_URL"
ATTEMPTS = 3  # start attempts, each on another port: see `headcount.stack.ports`
PROBE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How a service is started.

    `app` names a WSGI application in gunicorn's notation. If the folder of its module has a
    `gunicorn.conf.py`, that file reads bind, workers and threads from the environment; otherwise
    they are passed as gunicorn options. `port` is the preferred port; if it is taken, a free one is
    used. If `workers` or `threads` is None, the service decides. `database` is the SQLite file for
    the service's state, by default beside the log; a database in the environment takes precedence.
    """

    bootstrap_servers: str
    topic: str
    log_path: Path
    environ: Mapping[str, str]
    app: str = DEFAULT_APP
    host: str = LOOPBACK
    port: int = DEFAULT_PORT
    workers: int | None = None
    threads: int | None = None
    database: Path | None = None
    ready_path: str = "/readyz"
    start_deadline_s: float = 90.0
    stop_timeout_s: float = 40.0

    @property
    def database_url(self) -> str:
        """The URL of the service's database."""
        database = self.database or self.log_path.with_name("game.sqlite3")
        return self.environ.get(DATABASE_VARIABLE) or sqlite_url(database)


def sqlite_url(path: Path) -> str:
    """Return the SQLAlchemy URL of an SQLite file; escapes `%`, `?` and `#`."""
    return f"sqlite:///{quote(str(path.absolute()))}"


class Server(Part):
    """A service that runs from construction until `stop`.

    Raises:
        UsageError: The application does not exist.
        PartError: The service cannot start; the message quotes the end of its log.
    """

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self._process, self.port = _start(config)

    @property
    def url(self) -> str:
        """The service's address, as `http://host:port`."""
        return f"http://{self.config.host}:{self.port}"

    def stop(self) -> int:
        """Stop the service once it has finished its requests; return its exit code. Idempotent."""
        return self._process.stop(self.config.stop_timeout_s)

    def kill(self) -> None:
        """Kill the service and its workers, as a crash would. Idempotent."""
        self._process.kill()


def _start(config: ServerConfig) -> tuple[Process, int]:
    """Start the service; retry on another port if one is taken before the service binds it."""
    for attempt in range(ATTEMPTS):
        port = free_port(config.port if attempt == 0 else 0, config.host)
        process = Process(
            "the service",
            _command(config, port),
            log_path=config.log_path,
            environ=_environment(config, port),
        )
        with _stopped_on_error(process):
            try:
                _wait_until_ready(config, port, process)
            except PartError:
                dead = process.returncode is not None
                if attempt + 1 == ATTEMPTS or not dead or is_free(port, config.host):
                    raise
                continue
            return process, port
    raise AssertionError


@contextlib.contextmanager
def _stopped_on_error(process: Process) -> Iterator[None]:
    try:
        yield
    except BaseException:
        process.stop()
        raise


def _wait_until_ready(config: ServerConfig, port: int, process: Process) -> None:
    answers: list[str] = []  # the last one explains why the service never became ready

    def is_ready() -> bool:
        answers.append(_readiness(config, port))
        return answers[-1] == "200" and process.listens_on(port)

    try:
        wait_until(
            is_ready,
            config.start_deadline_s,
            f"the service answers http://{config.host}:{port}{config.ready_path} with 200",
            process,
        )
    except PartError as error:
        if process.returncode is None:
            raise PartError(f"{error}; its last response: {answers[-1]}") from None
        raise


def _readiness(config: ServerConfig, port: int) -> str:
    """Request the ready path; return "200", another status and the body's start, or an error."""
    connection = http.client.HTTPConnection(config.host, port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", config.ready_path)
        response = connection.getresponse()
        body = response.read(300).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return "200" if response.status == http.client.OK else f"{response.status} {body}"


def _command(config: ServerConfig, port: int) -> list[str]:
    module = config.app.partition(":")[0]
    package = _package_folder(module)
    command = [sys.executable, "-m", "gunicorn"]
    gunicorn_config = package / "gunicorn.conf.py" if package else None
    if gunicorn_config and gunicorn_config.is_file():
        return [*command, "-c", str(gunicorn_config), config.app]
    # The control socket would be in the user's home, where two servers would share it.
    command += ["--no-control-socket", "--worker-class", "gthread"]
    command += ["--bind", f"{config.host}:{port}"]
    command += ["--workers", str(config.workers or 2), "--threads", str(config.threads or 16)]
    return [*command, config.app]


def _package_folder(module: str) -> Path | None:
    """Return the folder of the package that holds `module`, else None. Imports nothing.

    Raises:
        UsageError: The module does not exist.
    """
    top, *inner = module.split(".")[:-1] or [module]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is not None:
        locations = list(spec.submodule_search_locations or ())
        return Path(locations[0], *inner) if locations else None
    # gunicorn also searches the working folder.
    if Path(top).is_dir():
        return Path(top, *inner).absolute()
    if Path(f"{top}.py").is_file():
        return None
    raise UsageError(f"cannot serve {module!r}: there is no module {top!r}; correct --app")


def _environment(config: ServerConfig, port: int) -> dict[str, str]:
    """Return the user's environment, overridden by this run's settings."""
    overrides = {
        "SERVICE_BOOTSTRAP_SERVERS": config.bootstrap_servers,
        "SERVICE_TOPIC": config.topic,
        "SERVICE_HOST": config.host,
        "SERVICE_PORT": str(port),
    }
    if config.workers is not None:
        overrides["SERVICE_WORKERS"] = str(config.workers)
    if config.threads is not None:
        overrides["SERVICE_THREADS"] = str(config.threads)
    overrides[DATABASE_VARIABLE] = config.database_url
    # Unbuffered, so that its last output is in the log when it dies.
    return {**config.environ, "PYTHONUNBUFFERED": "1", **overrides}
