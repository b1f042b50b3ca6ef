"""How to connect to the user's cluster: a client's configuration file, and single settings."""

import atexit
import functools
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from headcount.cli.options.groups import OptionGroup, gathered, grouped_option, in_order
from headcount.console import Console
from headcount.errors import UsageError
from headcount.kafka_settings import config_file
from headcount.kafka_settings.settings import KafkaSettings


@dataclass(frozen=True)
class KafkaOptions:
    """The file with the settings, and `name=value` settings, which win."""

    kafka_config: Path | None = None
    kafka_settings: tuple[str, ...] = ()

    @functools.cached_property
    def settings(self) -> KafkaSettings:
        """The settings. UsageError says which one is wrong.

        Asks for a missing password, and warns of files with secrets that other users can read.
        """
        for path in config_file.readable_by_others(self.kafka_config, self.kafka_settings):
            reason = "contains a secret, but other users can read it"
            Console(quiet=True).error(f"{path} {reason}: chmod 600 {shlex.quote(str(path))}")
        return config_file.load(self.kafka_config, self._assignments)

    @property
    def environ(self) -> dict[str, str]:
        """The variables that hand the settings to the processes that a command starts."""
        return config_file.environ_of(self.kafka_config, self._assignments)

    @functools.cached_property
    def _assignments(self) -> tuple[str, ...]:
        user = config_file.user_without_password(self.kafka_config, self.kafka_settings)
        if user is None or not sys.stdin.isatty():
            return self.kafka_settings
        password = click.prompt(f"Kafka password of {user}", hide_input=True, err=True)
        return (*self.kafka_settings, f"sasl.password={_kept(password)}")


def _kept(password: str) -> str:
    """Keep a password in a private file until this process ends; return a reference to it."""
    folder = tempfile.mkdtemp(prefix="headcount-")  # only this user can enter it
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (Path(folder) / "password").write_text(password, "utf-8")
    return f"${{directory:{folder}:password}}"


def _checked(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    try:
        return tuple(map(config_file.check_assignment, values))
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


with_kafka_options = in_order(
    grouped_option(
        OptionGroup.KAFKA,
        "--kafka-config",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        envvar=config_file.FILE_VARIABLE,
        show_envvar=True,
        help="File with Kafka client settings: TLS, login.",
    ),
    grouped_option(
        OptionGroup.KAFKA,
        "-X",
        "kafka_settings",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_checked,
        help="Kafka client setting, such as security.protocol=SSL; repeatable.",
    ),
    gathered("kafka_options", KafkaOptions),
)
