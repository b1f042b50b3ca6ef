"""Private names of other packages: each is used in one module and guarded by a test.

`python -m scripts.private_names` prints each violation and exits with 1 if there is one: a private
name that the table lacks, one that another module uses too, a guard that does not exist, and a name
that the installed package no longer has. `--table` prints the table.
"""

import ast
import importlib
import inspect
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from scripts.source import ROOT, FunctionNode, Module, read_modules

FOLDERS = ("headcount", "analysis", "service", "locustfiles")


@dataclass(frozen=True, slots=True)
class PrivateName:
    """A private name that the project uses: `owner` is `module` or `module:Class`."""

    owner: str
    name: str
    path: str
    guard: str


def _rows(path: str, guard: str, **names_by_owner: str) -> Iterator[PrivateName]:
    for owner, names in names_by_owner.items():
        for name in names.split():
            yield PrivateName(OWNERS[owner], name, path, guard)


OWNERS = {
    "hook": "locust.event:EventHook",
    "locust_session": "locust.contrib.fasthttp:FastHttpSession",
    "locust_response": "locust.contrib.fasthttp:FastResponse",
    "locust_context": "locust.contrib.fasthttp:ResponseContextManager",
    "fasthttp": "locust.contrib.fasthttp",
    "client": "geventhttpclient:HTTPClient",
    "pool": "geventhttpclient.connectionpool:ConnectionPool",
    "agent": "geventhttpclient.useragent:UserAgent",
    "compat": "geventhttpclient.useragent:CompatResponse",
    "parser": "geventhttpclient.response:HTTPSocketPoolResponse",
    "gevent_socket": "gevent.socket:socket",
    "gevent_ssl": "gevent.ssl",
    "cookies": "http.cookiejar:CookieJar",
    "kafka_admin": "kafka:KafkaAdminClient",
    "gunicorn_worker": "gunicorn.workers.gthread:ThreadWorker",
    "spark_context": "pyspark:SparkContext",
    "spark_session": "pyspark.sql:SparkSession",
}

_CLIENT_TESTS = "tests/headcount/plugin/http/test_client.py::"
_CONNECTION_TESTS = "tests/headcount/plugin/test_connections.py::"

TABLE = (
    *_rows(
        "headcount/plugin/event_hooks.py",
        "tests/headcount/plugin/shutdown/test_sequence.py::test_a_listener_that_exits",
        hook="_handlers",
    ),
    *_rows(
        "headcount/plugin/session.py",
        f"{_CLIENT_TESTS}test_the_same_bytes_are_sent",
        locust_session="_send_request_safe_mode",
        fasthttp="_construct_basic_auth_str",
    ),
    *_rows(
        "headcount/plugin/http/response.py",
        f"{_CLIENT_TESTS}test_the_same_is_seen",
        locust_context="_manual_result",
        locust_response="_response",
        compat="_request _sent_request _history _cached_content",
    ),
    *_rows(
        "headcount/plugin/http/response.py",
        "tests/headcount/plugin/shutdown/test_failed_responses.py::test_recorded_outcomes",
        compat="_content",
    ),
    *_rows(
        "headcount/plugin/http/client.py",
        f"{_CLIENT_TESTS}test_the_same_is_seen",
        cookies="_cookies",
    ),
    *_rows(
        "headcount/plugin/http/client.py",
        "tests/headcount/plugin/shutdown/test_failed_responses.py::test_recorded_outcomes",
        agent="_conversation_str",
    ),
    *_rows(
        "headcount/plugin/http/request_template.py",
        f"{_CLIENT_TESTS}test_the_same_bytes_are_sent",
        client="_build_request",
    ),
    *_rows(
        "headcount/plugin/http/once_only_connections.py",
        f"{_CONNECTION_TESTS}test_which_connection_a_request_takes",
        client="_connection_pool",
        pool="_semaphore _create_socket _connection_host _connection_port _resolve",
    ),
    *_rows(
        "headcount/plugin/http/socket_io.py",
        f"{_CONNECTION_TESTS}test_which_connection_a_request_takes",
        gevent_socket="_sock _read_event",
    ),
    *_rows(
        "headcount/plugin/http/parser.py",
        "tests/headcount/plugin/shutdown/test_failed_responses.py::test_recorded_outcomes",
        parser="_on_message_begin _on_message_complete",
    ),
    *_rows(
        "headcount/plugin/http/tls.py",
        "tests/headcount/plugin/http/test_tls.py::test_certificates_are_not_verified",
        gevent_ssl="_create_unverified_context",
    ),
    *_rows(
        "headcount/kafka/leader_requests.py",
        "tests/headcount/kafka/test_leader_requests.py::"
        "test_the_present_epoch_ends_where_the_log_ends",
        kafka_admin="_list_partition_offsets_request _list_partition_offsets_process_response",
    ),
    *_rows(
        "service/headcount_service/gunicorn_worker.py",
        "tests/service/test_gunicorn_worker.py::test_pipelined_requests_are_answered_in_turn",
        gunicorn_worker="_keepalive_after",
    ),
    *_rows(
        "analysis/headcount_analysis/spark/session.py",
        "tests/analysis/spark/test_session.py::test_no_process_is_left",
        spark_context="_jsc _accumulatorServer _gateway _jvm _active_spark_context",
        spark_session="_instantiatedSession",
    ),
)

NOT_PRIVATE = frozenset({"_PARTITION_EOF", "_AUTO_OFFSET_RESET", "_fields", "_mapping"})
"""Documented in spite of the underscore: librdkafka's, namedtuple's and SQLAlchemy's."""

PYTHONS_OWN = frozenset({"_exit", "_getframe"})


def violations(modules: Iterable[Module], table: Iterable[PrivateName] = TABLE) -> Iterator[str]:
    """Yield each use that the table does not list, and each name that its module does not use."""
    modules, table = list(modules), list(table)
    used = _used_names(modules)
    own = {name for module in modules for name in _bound_names(module)}
    listed = defaultdict(set)
    for row in table:
        listed[row.name].add(row.path)
    for name in sorted(used.keys() - own - listed.keys() - NOT_PRIVATE - PYTHONS_OWN):
        yield f"{min(used[name])}: the private name {name} is not in the table"
    for name, paths in sorted(listed.items()):
        if missing := paths - used.get(name, set()):
            yield f"{min(missing)}: does not use {name}, which the table lists"
        if name not in own and (others := used.get(name, set()) - paths):
            yield f"{min(others)}: uses {name}, which {min(paths)} uses already"


def missing_guards(root: Path, table: Iterable[PrivateName] = TABLE) -> Iterator[str]:
    """Yield the guards that are not the name of a test in the file that they name."""
    for guard in sorted({row.guard for row in table}):
        path, _, name = guard.partition("::")
        file = root / path
        if not file.is_file() or f"def {name}(" not in file.read_text(encoding="utf-8"):
            yield f"{guard}: no such test"


def missing_names(table: Iterable[PrivateName] = TABLE) -> Iterator[str]:
    """Yield the names that the installed packages do not have."""
    for row in table:
        module, _, class_name = row.owner.partition(":")
        owner = importlib.import_module(module)
        owner = getattr(owner, class_name) if class_name else owner
        if not hasattr(owner, row.name) and not _is_assigned(owner, row.name):
            yield f"{row.owner} has no {row.name}, which {row.path} uses"


def _is_assigned(owner: type | ModuleType, name: str) -> bool:
    classes = owner.__mro__[:-1] if isinstance(owner, type) else ()
    return any(f"self.{name} = " in inspect.getsource(parent) for parent in classes)


def _used_names(modules: Iterable[Module]) -> Mapping[str, set[str]]:
    used = defaultdict(set)
    for module in modules:
        for name in _attributes_and_imports(module):
            if name.startswith("_") and not name.startswith("__"):
                used[name].add(module.path.as_posix())
    return used


def _attributes_and_imports(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Attribute(attr=name):
                yield name
            case ast.ImportFrom(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
                yield name
            case ast.FunctionDef(name=name):  # it may override a private method
                yield name


def _bound_names(module: Module) -> Iterator[str]:
    if module.path.stem.startswith("_"):
        yield module.path.stem
    for node in ast.walk(module.tree):
        match node:
            case ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(attr=name, value=ast.Name(id="self" | "cls"), ctx=ast.Store()):
                yield name
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                assert isinstance(node, FunctionNode)
                yield node.name


def main(arguments: list[str]) -> int:
    """Print the violations, or the table, and return the exit code."""
    if "--table" in arguments:
        for row in TABLE:
            print(f"{row.owner:52} {row.name:32} {row.path:48} {row.guard}")
        return 0
    problems = [*violations(read_modules(ROOT, FOLDERS)), *missing_guards(ROOT), *missing_names()]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
