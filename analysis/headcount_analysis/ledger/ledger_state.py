"""The state of a ledger: its generators, and what is damaged or missing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """The state of one generator's ledger: sequence numbers 0 to `asked` - 1 may have been used.

    `attempted` is the number in its seal, None if it never sealed.
    """

    generator: int
    sealed: bool
    asked: int
    rows: int
    without_row: int
    attempted: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The condition of the ledger; each entry of `damage` names a fault and its remedy.

    `changing_types` are the types of events that should change an owner's state.
    """

    generators: tuple[GeneratorState, ...] = ()
    shapes: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    has_repeated_rows: bool = False
    changing_types: tuple[str, ...] = ()

    @property
    def torn(self) -> tuple[GeneratorState, ...]:
        """The generators that never sealed."""
        return tuple(state for state in self.generators if not state.sealed)

    @property
    def asked(self) -> int:
        """The number of attempts, including those without a row."""
        return sum(state.asked for state in self.generators)
