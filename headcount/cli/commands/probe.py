"""`headcount probe`: finds the options that fit a service, with a few requests."""

import os
from pathlib import Path

import click

from headcount.cli.configuration.option_text import Value
from headcount.cli.locustfile import check_locustfiles
from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.load_options import with_outcome
from headcount.cli.options.locust_options import BY_PROBE, refuse_decided
from headcount.cli.options.message_options import checked_text
from headcount.cli.options.output_options import with_quiet
from headcount.cli.options.pass_through import PassThrough
from headcount.cli.options.target_options import BROKERS_VARIABLE, TOPIC_VARIABLE, check_host
from headcount.cli.options.types import Seconds
from headcount.console import Console
from headcount.errors import UsageError
from headcount.gc_control import permanent_objects
from headcount.kafka.cluster import Cluster
from headcount.kafka_settings.config_file import registry_from_environment
from headcount.kafka_settings.registry_url import parse_registry_url
from headcount.run.address import without_secrets
from headcount.run.id_form import IdForm
from headcount.run.id_settings import parse_id_header, parse_id_settings
from headcount.run.message_format import format_names, parse_format_name
from headcount.run.outcome_rules import Rule

PROBE_REQUESTS, PROBE_SETTLE_S = 10, 5.0

_EXAMPLES = """
\b
Examples:
  headcount probe orders.py --host http://127.0.0.1:5000 --bootstrap-servers 127.0.0.1:9092
                                                     searches all topics that grow
  headcount probe orders.py --host URL --bootstrap-servers HOST:PORT --topic orders
  headcount probe orders.py … --schema-registry https://registry:8081
                                                     Avro, Protobuf or JSON Schema
  headcount probe orders.py … --id-header X-Order-Token --id-form uuid
                                                     tries one more header, with the id as a UUID
  headcount probe orders.py … --settle 15s           a service that publishes later
  headcount probe --write headcount.toml             keep the options in the project's file
\b
Exit codes:
  0  all ids of acknowledged requests were seen at one place of one topic
  2  an option or the locustfile is invalid
  3  some were not: the output says what was seen instead
  5  the service, the brokers or the schema registry could not be reached
"""


@grouped_command(cls=PassThrough, epilog=_EXAMPLES)
@click.argument("locustfile")
@grouped_option(
    OptionGroup.LOAD,
    "--requests",
    type=click.IntRange(1, 1_000),
    default=PROBE_REQUESTS,
    show_default=True,
    metavar="N",
    help="Requests to make; more if the scenario has more tasks.",
)
@with_outcome
@grouped_option(
    OptionGroup.TARGET,
    "--host",
    metavar="URL",
    default="",
    envvar="HEADCOUNT_HOST",
    show_envvar=True,
    show_default="that of the scenario",
    help="Your service.",
)
@grouped_option(
    OptionGroup.KAFKA,
    "--bootstrap-servers",
    metavar="HOST:PORT,…",
    default="",
    envvar=BROKERS_VARIABLE,
    show_envvar=True,
    show_default="from Kafka settings",
    help="Your brokers.",
)
@grouped_option(
    OptionGroup.KAFKA,
    "--topic",
    "topics",
    multiple=True,
    metavar="NAME",
    envvar=TOPIC_VARIABLE,
    show_envvar=True,
    show_default="all that grow",
    help="Topic to watch; repeatable.",
)
@with_kafka_options
@grouped_option(
    OptionGroup.MESSAGES,
    "--id-header",
    default="",
    metavar="NAME",
    callback=checked_text(parse_id_header),
    show_default="X-Event-Id",
    help="Request header to try in addition to the usual ones.",
)
@grouped_option(
    OptionGroup.MESSAGES,
    "--id-form",
    type=click.Choice(list(map(str, IdForm))),
    default=IdForm.PLAIN.value,
    show_default=True,
    metavar="FORM",
    help="Form of the id in that header and for EVENT_ID: plain, uuid or trace.",
)
@grouped_option(
    OptionGroup.MESSAGES,
    "--format",
    "format_name",
    default="",
    metavar="NAME",
    callback=checked_text(lambda name: parse_format_name(name, format_names())),
    show_default="detected",
    help="Format of the messages.",
)
@grouped_option(
    OptionGroup.MESSAGES,
    "--schema-registry",
    default="",
    metavar="URL",
    callback=checked_text(parse_registry_url),
    help="URL of a schema registry with Confluent's API.",
)
@grouped_option(
    OptionGroup.JUDGING,
    "--settle",
    "settle_s",
    type=Seconds(),
    default=PROBE_SETTLE_S,
    show_default="5s",
    help="Longest wait for messages after the last response.",
)
@grouped_option(
    OptionGroup.OUTPUT,
    "--write",
    "option_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the options to FILE, such as headcount.toml, if all ids were seen.",
)
@with_quiet
def probe(
    *,
    locustfile: str,
    extra: tuple[str, ...],
    requests: int,
    outcome_rules: tuple[Rule, ...],
    host: str,
    bootstrap_servers: str,
    topics: tuple[str, ...],
    kafka_options: KafkaOptions,
    id_header: str,
    id_form: str,
    format_name: str,
    schema_registry: str,
    settle_s: float,
    option_file: Path | None,
    quiet: bool,
) -> int:
    """Send a few requests from LOCUSTFILE, and find the run options that fit the service.

    Every request carries an id in X-Event-Id, X-Request-Id, X-Correlation-Id, Idempotency-Key and
    traceparent at once. The probe searches the messages that arrive in Kafka for these ids.
    """
    refuse_decided("probe", extra, BY_PROBE)
    check_locustfiles(locustfile)
    ids = parse_id_settings(id_form, id_header, "")
    settings = kafka_options.settings
    servers = bootstrap_servers or settings.bootstrap_servers
    if not servers:
        raise UsageError("name your Kafka brokers: --bootstrap-servers HOST:PORT")
    environ = {**os.environ, **kafka_options.environ}
    registry = registry_from_environment(environ).with_url(parse_registry_url(schema_registry))
    # Imported late because they load slowly: --help and a refused option do not need them.
    with permanent_objects():
        from headcount_analysis.probe.advice_text import KnownArguments  # noqa: PLC0415
        from headcount_analysis.probe.findings_text import text_of  # noqa: PLC0415

        from headcount.cli.probing.probe_generator import ProbeScenario  # noqa: PLC0415
        from headcount.cli.probing.probe_run import ProbePlan, run_probe  # noqa: PLC0415
        from headcount.cli.probing.written_options import write_options  # noqa: PLC0415

    host = host and check_host(host)
    scenario = ProbeScenario(locustfile, host, servers, ids, requests, outcome_rules, extra)
    plan = ProbePlan(scenario, Cluster(servers, settings), topics, settle_s, registry, format_name)
    console = Console(quiet=quiet)
    findings = run_probe(plan, environ, console)
    known = KnownArguments(
        _target_arguments(locustfile, host, bootstrap_servers, kafka_options),
        _load_arguments(outcome_rules, extra),
    )
    console.result(text_of(findings, known, settle_s))
    if option_file is not None and findings.is_complete and findings.best is not None:
        fixed = _target_options(locustfile, host, bootstrap_servers, kafka_options)
        rules = tuple(rule.text for rule in outcome_rules)
        write_options(option_file, findings.best, fixed | {"outcome": rules})
        console.result(f"Written  {option_file}: {_what_else(host, kafka_options, extra)}")
    return findings.exit_code


def _target_arguments(
    locustfile: str, host: str, bootstrap_servers: str, kafka_options: KafkaOptions
) -> tuple[str, ...]:
    """Return the first words of a `headcount run` command: the scenario and its target."""
    return (
        *("headcount", "run", locustfile),
        *(("--host", without_secrets(host)) if host else ()),
        *(("--bootstrap-servers", bootstrap_servers) if bootstrap_servers else ()),
        *_kafka_arguments(kafka_options),
    )


def _load_arguments(rules: tuple[Rule, ...], extra: tuple[str, ...]) -> tuple[str, ...]:
    """Return the last words of a `headcount run` command: rules for outcomes, Locust's options."""
    outcome = (part for rule in rules for part in ("--outcome", rule.text))
    return (*outcome, *(("--", *extra) if extra else ()))


def _target_options(
    locustfile: str, host: str, bootstrap_servers: str, kafka_options: KafkaOptions
) -> dict[str, Value]:
    """Return scenario and target as options for a file, without a host that contains a secret."""
    return {
        "locustfile": locustfile,
        "host": "" if without_secrets(host) != host else host,
        "bootstrap-servers": bootstrap_servers,
        "kafka-config": str(kafka_options.kafka_config or ""),
    }


def _what_else(host: str, kafka_options: KafkaOptions, extra: tuple[str, ...]) -> str:
    """Say what a run needs that is not in the file: secrets, and Locust's options."""
    needs = [
        *(("HEADCOUNT_HOST",) if without_secrets(host) != host else ()),
        *(("the same -X",) if kafka_options.kafka_settings else ()),
        *(("the same options after --",) if extra else ()),
    ]
    return f"headcount run needs {' and '.join(needs) or 'no options'}"


def _kafka_arguments(options: KafkaOptions) -> tuple[str, ...]:
    config = () if options.kafka_config is None else ("--kafka-config", str(options.kafka_config))
    return (*config, *(part for text in options.kafka_settings for part in ("-X", text)))
