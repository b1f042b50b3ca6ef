"""Which Spark a command uses."""

import click

from headcount.cli.options.groups import OptionGroup, grouped_option, in_order

SPARK_HEAP = "1400m"
"""The default heap of Spark's driver; the self-test has its own."""


def _spark_conf(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for (name, equals, _), value in zip(pairs, values, strict=True):
        if not equals or not name.startswith("spark."):
            raise click.BadParameter(f"must be spark.NAME=VALUE, got {value!r}")
    return {name: setting for name, _, setting in pairs}


with_spark = in_order(
    grouped_option(
        OptionGroup.JUDGING,
        "--spark-master",
        default="local[*]",
        show_default=True,
        metavar="URL",
        envvar="HEADCOUNT_SPARK_MASTER",
        show_envvar=True,
        help="URL of the Spark master.",
    ),
    grouped_option(
        OptionGroup.JUDGING,
        "--spark-heap",
        default=SPARK_HEAP,
        show_default=True,
        metavar="SIZE",
        envvar="HEADCOUNT_SPARK_HEAP",
        show_envvar=True,
        help="Heap of Spark's driver.",
    ),
    grouped_option(
        OptionGroup.JUDGING,
        "--spark-conf",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_spark_conf,
        help="Spark setting, such as spark.executor.memory=4g; repeatable.",
    ),
)
