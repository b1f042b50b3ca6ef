"""The text of an option file: sets options for all commands, and keeps everything else."""

from collections.abc import Collection, Mapping, MutableMapping
from typing import Any

from headcount.errors import UsageError

Value = str | tuple[str, ...]
"""A text, or the texts of an option that can be repeated."""

_RUN = "run"


def with_options(
    text: str,
    options: Mapping[str, Value],
    unset: Collection[str] = frozenset(),
    path: tuple[str, ...] = (),
) -> str:
    """Set options for all commands, and remove others.

    An option stays where it is, with its comment; new ones follow the last. An option in the table
    `[run]` overrides the one for all commands, so it is changed there, too.

    Args:
        text: A TOML document.
        options: The options to set, by name.
        unset: Names of options to remove.
        path: The keys that lead to the options' table; empty if that is the whole document.

    Raises:
        UsageError: The text is not TOML, or a name in `path` is not that of a table.
    """
    # tomlkit takes a while to load, and --help does not need it.
    import tomlkit  # noqa: PLC0415
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise UsageError(f"it is not TOML: {error}") from None
    shared: MutableMapping[str, Any] = document
    for depth, name in enumerate(path, start=1):
        shared = shared.setdefault(name, tomlkit.table(is_super_table=depth < len(path)))
        if not isinstance(shared, MutableMapping):
            raise UsageError(f"{name} in it must be a table")
    run = shared.get(_RUN)
    own = run if isinstance(run, MutableMapping) else {}
    for name in unset:
        shared.pop(name, None)
        own.pop(name, None)
    for name, value in options.items():
        written = list(value) if isinstance(value, tuple) else value
        for table in (shared, own) if name in own else (shared,):
            if table.get(name) != written:
                table[name] = written
    return tomlkit.dumps(document)
