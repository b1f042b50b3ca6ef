"""Run steps: what `headcount run` did, and when, for the trace of the run. Pure."""

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated


@validated(frozen=True, slots=True)
class RunStep:
    """A step that the terminal shows, such as `Waiting for the last events`; in Unix time."""

    title: str
    began_ns: int
    ended_ns: int
    has_failed: bool = False

    @property
    def name(self) -> str:
        """The title without what differs between runs, such as the number of users."""
        return self.title.partition(":")[0]


_STEPS = TypeAdapter(tuple[RunStep, ...])


def dump_steps(steps: tuple[RunStep, ...]) -> bytes:
    """Serialize steps as JSON."""
    return _STEPS.dump_json(steps)


def load_steps(content: bytes) -> tuple[RunStep, ...]:
    """Parse steps; none if the content is not whole."""
    try:
        return _STEPS.validate_json(content)
    except ValidationError:
        return ()
