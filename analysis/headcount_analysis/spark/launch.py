"""Becomes Spark's JVM, as Spark's own script does, but with a class path in another order.

    python launch.py SPARK_HOME JAVA ARGUMENTS...

The arguments are spark-submit's. Java searches one jar after another for a class, and Spark has
hundreds, so the jars with most of the classes come first. From version 19 on, Java ignores class
data if the class path names a jar twice. This is a script, not a module, so that it starts without
imports.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_LAUNCHER = "org.apache.spark.launcher.Main"
_SUBMIT = "org.apache.spark.deploy.SparkSubmit"
_FIRST = ("spark-catalyst", "spark-", "scala-", "parquet-", "jackson-", "hadoop-", "janino-")
"""Java's own log shows that most loaded classes are in jars whose names begin like this."""


def command(output: bytes) -> list[str]:
    """Parse the command from the launcher's output, which may begin with other lines.

    Returns:
        The command, with a class path that names each jar once, in the order of `_FIRST`.
    """
    _, _, arguments = os.fsdecode(output).partition("\0\n")
    words = arguments.removesuffix("\0").split("\0")
    at = words.index("-cp") + 1
    words[at] = os.pathsep.join(dict.fromkeys(_expanded(words[at])))
    return words


def _expanded(class_path: str) -> Iterator[str]:
    """List the jars that `*` stands for, for which Java defines no order."""
    for entry in class_path.split(os.pathsep):
        if entry.endswith("/*"):
            yield from map(str, sorted(Path(entry).parent.glob("*.jar"), key=_place))
        else:
            yield entry


def _place(jar: Path) -> tuple[int, str]:
    places = (place for place, prefix in enumerate(_FIRST) if jar.name.startswith(prefix))
    return next(places, len(_FIRST)), jar.name


def main(spark_home: str, java: str, *arguments: str) -> None:
    """Get the command from Spark's launcher, and replace this process with it."""
    launcher = [java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    launcher += ["-cp", f"{spark_home}/jars/*", _LAUNCHER, _SUBMIT, *arguments]
    try:
        launcher_output = subprocess.run(
            launcher, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
        )
    except OSError as error:
        sys.exit(f"{java} does not start: {error.strerror}")
    if launcher_output.returncode:
        sys.stderr.buffer.write(launcher_output.stdout)
        sys.exit(launcher_output.returncode)
    try:
        words = command(launcher_output.stdout)
        os.execvp(words[0], words)  # noqa: S606 - no shell is wanted
    except ValueError:
        sys.exit(f"Spark's launcher printed no command, but {launcher_output.stdout!r}")
    except OSError as error:
        sys.exit(f"{words[0]} does not start: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
