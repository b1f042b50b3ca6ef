"""Becomes Spark's JVM: what Spark's own script does, but for the class path.

    python launch.py SPARK_HOME JAVA ARGUMENTS...

The arguments are spark-submit's. Java looks for a class in one jar after the other, and Spark has
hundreds, so those come first that have most of the classes. Java from 19 on takes no class data
where a jar is named twice. This runs as a script of its own, so that nothing is loaded first.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_LAUNCHER = "org.apache.spark.launcher.Main"
_SUBMIT = "org.apache.spark.deploy.SparkSubmit"
_FIRST = ("spark-catalyst", "spark-", "scala-", "parquet-", "jackson-", "hadoop-", "janino-")
"""What the jars' names begin with that have most of the classes, as Java's log of them counts."""


def command(output: bytes) -> list[str]:
    """Read the command from what the launcher says, which may say other things first.

    Its class path then names nothing twice, and what is looked for most often first.
    """
    _, _, said = os.fsdecode(output).partition("\0\n")
    words = said.removesuffix("\0").split("\0")
    at = words.index("-cp") + 1
    words[at] = os.pathsep.join(dict.fromkeys(_expanded(words[at])))
    return words


def _expanded(class_path: str) -> Iterator[str]:
    """Name the jars that `*` stands for, which are in no order of Java's."""
    for entry in class_path.split(os.pathsep):
        if entry.endswith("/*"):
            yield from map(str, sorted(Path(entry).parent.glob("*.jar"), key=_place))
        else:
            yield entry


def _place(jar: Path) -> tuple[int, str]:
    places = (place for place, prefix in enumerate(_FIRST) if jar.name.startswith(prefix))
    return next(places, len(_FIRST)), jar.name


def main(spark_home: str, java: str, *arguments: str) -> None:
    """Ask the launcher how Spark is started, and be that."""
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
        sys.exit(f"Spark's launcher gave no command, but {launcher_output.stdout!r}")
    except OSError as error:
        sys.exit(f"{words[0]} does not start: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
