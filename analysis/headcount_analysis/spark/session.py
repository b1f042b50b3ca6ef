"""The session: a SparkContext in a JVM of its own, without output, stopped when a block ends."""

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError  # type: ignore[import-untyped]
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from headcount_analysis.spark.config import SessionConfig
from headcount_analysis.spark.jvm import Address, Jvm, begun_jvm, cannot_start


@contextlib.contextmanager
def open_session(config: SessionConfig) -> Iterator[SparkContext]:
    """Start Spark, and stop it when the block ends.

    Raises:
        PartError: It cannot start; the message names its log.
    """
    with begun_session(config) as started:
        yield started()


@contextlib.contextmanager
def begun_session(config: SessionConfig) -> Iterator[Callable[[], SparkContext]]:
    """Start Spark in the background, and stop it when the block ends.

    Yields a function, to be called once, that waits until Spark has started. The caller can do
    other work before that.

    Raises:
        PartError: It cannot start; the message names its log.
    """
    with begun_jvm(config) as jvm, session_in(jvm) as started:
        yield started


@contextlib.contextmanager
def session_in(jvm: Jvm) -> Iterator[Callable[[], SparkContext]]:
    """Start a session in a JVM that is already starting; yields what `begun_session` does."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet_py4j())
        stack.enter_context(_kept_interrupt_handler())
        yield lambda: _connect(jvm.config, jvm.address(), stack)


def _connect(config: SessionConfig, address: Address, stack: contextlib.ExitStack) -> SparkContext:
    try:
        with _environment(
            PYSPARK_GATEWAY_PORT=str(address.port),
            PYSPARK_GATEWAY_SECRET=address.secret,
            # Executors run this interpreter, unless the user names another.
            PYSPARK_PYTHON=os.environ.get("PYSPARK_PYTHON", sys.executable),
        ):
            gateway = launch_gateway()  # type: ignore[no-untyped-call]
            stack.callback(_disconnect, gateway)
            context = SparkContext(gateway=gateway, conf=SparkConf(_jvm=gateway.jvm))
    except Exception as error:
        raise cannot_start(config, _reason(error)) from error
    _silence(context)
    stack.callback(_stop, context)
    return context


def _reason(error: Exception) -> str:
    """Return an error's first line; of an error in Java the second, which has Java's reason."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    is_java = isinstance(error, Py4JJavaError) and len(lines) > 1
    return lines[1].removeprefix(": ") if is_java else lines[0]


def sql(spark: SparkContext) -> SparkSession:
    """Make the SparkSession, which DataFrames need; the first call takes seconds."""
    return SparkSession.getActiveSession() or SparkSession(spark)


def is_alive(spark: SparkContext) -> bool:
    """Whether the JVM still runs."""
    try:
        return not spark._jsc.sc().isStopped()  # noqa: SLF001 - no public way to ask
    except (Py4JError, OSError, AttributeError):
        return False


def _silence(context: SparkContext) -> None:
    """Keep pyspark's accumulator server from printing a traceback when the JVM dies."""
    server: Any = context._accumulatorServer  # noqa: SLF001
    server.handle_error = lambda *_: None


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables until the block ends; pyspark reads them from nowhere else."""
    kept = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in kept.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _quiet_py4j() -> Iterator[None]:
    """Keep py4j from printing stack traces when a call is interrupted."""
    # It logs some of them with its own loggers and some with the root logger.
    loggers = (logging.getLogger("py4j"), logging.getLogger("py4j.clientserver"), logging.root)
    for logger in loggers:
        logger.addFilter(_is_not_of_py4j)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_not_of_py4j)


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return Path(record.pathname).parent.name != "py4j"


@contextlib.contextmanager
def _kept_interrupt_handler() -> Iterator[None]:
    """Restore the handler of Ctrl-C, which a SparkContext replaces for the rest of the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)


def _stop(spark: SparkContext) -> None:
    # A dead JVM has no context left to stop; the caller reports why it died.
    with contextlib.suppress(Exception):
        _end_accumulators(spark)
        spark.stop()


def _end_accumulators(spark: SparkContext) -> None:
    """Shut the accumulator server down in the background: it polls only twice a second."""
    server = spark._accumulatorServer  # noqa: SLF001
    del spark._accumulatorServer  # noqa: SLF001
    threading.Thread(target=server.shutdown, daemon=True).start()


def _disconnect(gateway: Any) -> None:
    with contextlib.suppress(Exception):
        gateway.shutdown()
    # Without this, a later session in this process would call the JVM that has ended, or fail,
    # because the context of a dead JVM cannot be stopped.
    SparkContext._gateway = None  # noqa: SLF001 - there is no public way
    SparkContext._jvm = None  # noqa: SLF001
    SparkContext._active_spark_context = None  # noqa: SLF001
    SparkSession._instantiatedSession = None  # noqa: SLF001
