"""Option groups: a command's help lists its options by subject, one line each."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any

import click
from click.types import OptionHelpExtra

from headcount.cli.configuration.option_source import naming_sources

HELP_WIDTH = 120
"""The maximum width of help, in characters; each option fits on one line."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Adds an option to the function of a command."""


class OptionGroup(StrEnum):
    """The subject of an option; help lists the groups in this order."""

    FILTER = "Filter"
    LOAD = "Load"
    TARGET = "Target"
    KAFKA = "Kafka"
    MESSAGES = "Messages"
    JUDGING = "Judging"
    OUTPUT = "Output"


class GroupedOption(click.Option):
    """An option that belongs to a group."""

    def __init__(self, *names: Any, group: OptionGroup, **attributes: Any) -> None:
        super().__init__(*names, **attributes)
        self.group = group

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        """Return what help shows in brackets: the variable, and the default or the words for it."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)  # the error for a value outside the range names the range
        if isinstance(self.show_default, str):
            extra["default"] = self.show_default
        return extra


class GroupedCommand(click.Command):
    """A command whose help lists its options by group, and whose errors name their sources."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options of a call."""
        with naming_sources(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Execute the command."""
        with naming_sources(ctx):
            return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group that has options."""
        rows: dict[OptionGroup, list[tuple[str, str]]] = {group: [] for group in OptionGroup}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                rows[group_of(parameter)].append(record)
        for group, records in rows.items():
            if records:
                with formatter.section(group):
                    formatter.write_dl(records, col_max=max(len(names) for names, _ in records))


def group_of(option: click.Option) -> OptionGroup:
    """Return an option's group; click's own --help is in the group Output."""
    return option.group if isinstance(option, GroupedOption) else OptionGroup.OUTPUT


def grouped_command(
    name: str | None = None,
    *,
    epilog: str,
    cls: type[click.Command] = GroupedCommand,
    settings: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command, with its examples as the epilog of the help.

    `settings` are arguments of its `click.Context`.
    """
    context_settings = {"max_content_width": HELP_WIDTH, **(settings or {})}
    return click.command(name, cls=cls, epilog=epilog, context_settings=context_settings)


def grouped_option(group: OptionGroup, *names: str, **attributes: Any) -> Decorator:
    """Add an option to a command, as `click.option` does, in a group of its help."""
    return click.option(*names, cls=GroupedOption, group=group, **attributes)


def in_order(*decorators: Decorator) -> Decorator:
    """Apply option decorators so that help lists the first one first."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def gathered(name: str, kind: type[Any]) -> Decorator:
    """Pass on, as one argument, the options that are fields of a dataclass."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def gathering(**options: Any) -> Any:
            values = {field.name: options.pop(field.name) for field in fields(kind)}
            return command(**{name: kind(**values)}, **options)

        return gathering

    return decorate
