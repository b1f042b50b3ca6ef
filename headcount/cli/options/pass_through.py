"""Commands that pass what follows `--` on to another program."""

import click

from headcount.cli.options.groups import GroupedCommand


class PassThrough(GroupedCommand):
    """A command that passes what follows `--` on, as the argument `extra`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command's own arguments, and keep the others unchanged."""
        own, extra = _split(args)
        remaining = super().parse_args(ctx, own)
        ctx.params["extra"] = tuple(extra)
        return remaining

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show in the usage that more options may follow."""
        return [*super().collect_usage_pieces(ctx), "[-- MORE OPTIONS]"]


def _split(args: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in args:
        return args, []
    index = args.index("--")
    return args[:index], args[index + 1 :]
