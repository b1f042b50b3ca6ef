"""What the plugin knows of the run that a Locust environment is in."""

import weakref
from dataclasses import dataclass, field
from random import Random
from typing import Any

from locust import User
from locust.env import Environment

from headcount.plugin.live import Teller
from headcount.plugin.observer import Observer
from headcount.plugin.recorder import Recorder


@dataclass(slots=True)
class State:
    """A process's part in the current run; `recorder` is None where it makes no requests.

    `teller` and `observer` are None where nobody looks while the run goes on. An observer is with
    the master, and stays after the run until the next begins. `begun` are the generators that have
    told the master that they make requests.
    """

    recorder: Recorder | None = None
    teller: Teller | None = None
    observer: Observer | None = None
    random: Random = field(default_factory=Random)
    prepared: bool = False
    begun: set[int] = field(default_factory=set)
    unmixed_tasks: dict[type[User], list[Any]] = field(default_factory=dict)


_states: weakref.WeakKeyDictionary[Environment, State] = weakref.WeakKeyDictionary()


def state_of(environment: Environment) -> State:
    """The state that goes with an environment; made when first asked for."""
    return _states.setdefault(environment, State())
