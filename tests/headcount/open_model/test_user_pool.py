"""The pool: an arrival is started by a user that is free, or dropped, and counted once."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from headcount.open_model.scheduled_arrivals import Arrivals
from headcount.open_model.user_pool import LATEST_NS, PATIENCE_NS, UserPool


@dataclass(eq=False)
class User:
    """Keeps what it is given."""

    taken: list[int] = field(default_factory=list)

    def take(self, due_at_ns: int) -> None:
        """Take it."""
        self.taken.append(due_at_ns)


def a_pool(users: int) -> tuple[UserPool, list[User], list[str]]:
    """Make a pool whose users are all free, and a list that grows by what is dropped."""
    dropped: list[str] = []
    pool = UserPool(3, lambda: dropped.append("one"))
    made = [User() for _ in range(users)]
    for user in made:
        pool.freed(user, 0)
    return pool, made, dropped


def test_users_take_turns() -> None:
    """The user that has been free for the longest is given the next arrival."""
    pool, (first, second), _ = a_pool(2)
    pool.arrive(10, 10)
    pool.freed(first, 11)
    pool.arrive(20, 20)
    pool.arrive(30, 30)
    assert (first.taken, second.taken) == ([10, 30], [20])
    assert pool.arrivals == Arrivals(3, 3, 3, 0)


def test_an_arrival_waits_for_a_moment() -> None:
    """It is begun by a user that comes free in time, with the time at which it was due."""
    pool, (user,), dropped = a_pool(1)
    pool.arrive(10, 10)
    pool.arrive(20, 20)
    assert not pool.is_idle
    pool.freed(user, 20 + PATIENCE_NS - 1)
    assert (user.taken, dropped) == ([10, 20], [])


def test_the_latest_is_told_once() -> None:
    """The lag is that of the latest since it was asked for last, and nothing where none began."""
    pool, _, _ = a_pool(1)
    for due_at_ns, now_ns in ((10, 15), (20, 90), (30, 31)):
        pool.begun(due_at_ns, now_ns)
    assert (pool.take_lag_ns(), pool.take_lag_ns()) == (70, 0)


def test_what_waits_too_long_is_dropped() -> None:
    """An arrival that no user was free for in time is never begun, and counted."""
    pool, (user,), dropped = a_pool(1)
    pool.arrive(10, 10)
    pool.arrive(20, 20)
    pool.freed(user, 20 + PATIENCE_NS)
    assert user.taken == [10]
    assert pool.is_idle
    assert (pool.arrivals, dropped) == (Arrivals(3, 2, 1, 1), ["one"])


def test_so_many_at_once() -> None:
    """Free users wait, where as many as may be are busy."""
    pool, users, _ = a_pool(3)
    pool.most = 2
    for due in (1, 2, 3):
        pool.arrive(due, due)
    assert [user.taken for user in users] == [[1], [2], []]
    pool.freed(users[0], 4)
    assert users[2].taken == [3]


def test_a_generator_that_was_held_up_floods_nobody() -> None:
    """What was due long ago is dropped, though a user is free."""
    pool, (user,), _ = a_pool(1)
    pool.arrive(0, LATEST_NS + 1)
    assert user.taken == []
    assert pool.arrivals == Arrivals(3, 1, 0, 1)


def test_a_user_that_is_stopped_gives_its_arrival_back() -> None:
    """An arrival that was handed over and not begun is dropped; its user gets no other."""
    pool, (user,), dropped = a_pool(1)
    pool.arrive(10, 10)
    pool.stopped(user, has_arrival=True)
    pool.arrive(20, 20)
    assert user.taken == [10]
    pool.close()
    assert (pool.arrivals, len(dropped)) == (Arrivals(3, 2, 0, 2), 2)


def test_a_closed_pool_starts_nothing() -> None:
    """What waits is dropped, and who comes free gets nothing."""
    pool, (user,), _ = a_pool(1)
    pool.arrive(10, 10)
    pool.arrive(20, 20)
    pool.close()
    pool.freed(user, 21)
    assert user.taken == [10]
    assert pool.arrivals == Arrivals(3, 2, 1, 1)


@given(st.lists(st.tuples(st.sampled_from("afsle"), st.integers(0, 4)), max_size=60))
def test_every_arrival_is_counted_once(steps: list[tuple[str, int]]) -> None:
    """Whatever users do, what was due was started or dropped once the pool is closed."""
    pool, users, dropped = a_pool(5)
    now_ns, arrived = 0, 0
    for step, number in steps:
        now_ns += PATIENCE_NS // 3
        match step:
            case "a":
                pool.arrive(now_ns, now_ns)
                arrived += 1
            case "f":
                pool.freed(users[number], now_ns)
            case "s":
                pool.stopped(users[number], has_arrival=False)
            case "l":
                pool.left(users[number])
            case _:
                pool.expire(now_ns)
    pool.close()
    started = sum(len(user.taken) for user in users)
    assert pool.arrivals == Arrivals(3, arrived, started, arrived - started)
    assert len(dropped) == pool.dropped
