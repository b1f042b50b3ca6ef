"""The options that say what is tested: parts of the user's, or parts to start."""

from collections.abc import Callable
from typing import Any

import click

from headcount.cli.local_stack import Wish
from headcount.cli.options.verify_options import gathered
from headcount.errors import UsageError
from headcount.run.id_field import check_id_field
from headcount.run.ids import HEADER
from headcount.stack.service import DEFAULT_APP


def _id_field(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    try:
        return check_id_field(name)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


def with_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and hand them on as `wish`."""
    command = gathered(command, "wish", Wish)
    for option in (
        click.option(
            "--event-id-field",
            default=HEADER,
            show_default=True,
            metavar="NAME",
            callback=_id_field,
            help="The event's top-level field that carries the request's X-Event-Id; that name is "
            "found however a framework writes it.",
        ),
        click.option(
            "--replication",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="Replicas of the topic, if it is made.",
        ),
        click.option(
            "--partitions",
            type=click.IntRange(min=1),
            default=4,
            show_default=True,
            help="Partitions of the topic, if it is made.",
        ),
        click.option(
            "--create-topic",
            is_flag=True,
            help="Make the topic on your brokers if it is missing; on a broker that is started "
            "it is always made.",
        ),
        click.option(
            "--promise",
            default="",
            metavar="TEXT",
            help="What an acknowledgement of your service stands for, to be shown in the report.  "
            "[default: the game's settings]",
        ),
        click.option(
            "--idempotence/--no-idempotence",
            default=None,
            help="Whether the game's producer is idempotent.  [default: it is, with --acks all]",
        ),
        click.option(
            "--acks",
            type=click.Choice(["all", "1", "0"]),
            help="What the game's producer waits for.  [default: all]",
        ),
        click.option("--topic", default="events", show_default=True, help="Where events go."),
        click.option(
            "--app",
            default=DEFAULT_APP,
            show_default=True,
            metavar="MODULE:NAME",
            help="The WSGI application to start as the service.",
        ),
        click.option(
            "--host",
            metavar="URL",
            envvar="HEADCOUNT_HOST",
            show_envvar=True,
            help="A service of your own; a USER:PASSWORD@ in it is written nowhere.  "
            "[default: start the game]",
        ),
        click.option(
            "--bootstrap-servers",
            metavar="HOST:PORT,…",
            help="Kafka brokers of your own.  [default: start one]",
        ),
    ):
        command = option(command)
    return command
