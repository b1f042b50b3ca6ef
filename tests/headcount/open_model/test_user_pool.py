"""The user pool: a free user starts an arrival or it is dropped; it is counted once."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from headcount.open_model.arrival_counts import Arrivals
from headcount.open_model.user_pool import MAX_LATENESS_NS, QUEUE_TIMEOUT_NS, UserPool


@dataclass(eq=False)
class User:
    """Records its arrivals."""

    taken: list[int] = field(default_factory=list)

    def take(self, due_at_ns: int) -> None:
        """Record an arrival."""
        self.taken.append(due_at_ns)


def a_pool(users: int) -> tuple[UserPool, list[User], list[str]]:
    """Return a pool with free users, the users, and a list that grows with each drop."""
    dropped: list[str] = []
    pool = UserPool(3, lambda: dropped.append("one"))
    made = [User() for _ in range(users)]
    for user in made:
        pool.release(user, 0)
    return pool, made, dropped


def test_users_take_turns() -> None:
    """The user that has been free the longest gets the next arrival."""
    pool, (first, second), _ = a_pool(2)
    pool.arrive(10, 10)
    pool.release(first, 11)
    pool.arrive(20, 20)
    pool.arrive(30, 30)
    assert (first.taken, second.taken) == ([10, 30], [20])
    assert pool.arrivals == Arrivals(3, 3, 3, 0)


def test_an_arrival_waits_briefly() -> None:
    """A user that becomes free in time starts it, with its original due time."""
    pool, (user,), dropped = a_pool(1)
    pool.arrive(10, 10)
    pool.arrive(20, 20)
    assert not pool.is_idle
    pool.release(user, 20 + QUEUE_TIMEOUT_NS - 1)
    assert (user.taken, dropped) == ([10, 20], [])


def test_the_greatest_lag_is_returned_once() -> None:
    """It covers the starts since the last call, and is 0 if there were none."""
    pool, _, _ = a_pool(1)
    for due_at_ns, now_ns in ((10, 15), (20, 90), (30, 31)):
        pool.record_start(due_at_ns, now_ns)
    assert (pool.take_lag_ns(), pool.take_lag_ns()) == (70, 0)


def test_an_arrival_that_waits_too_long_is_dropped() -> None:
    """If no user becomes free in time, it never starts, and is counted as dropped."""
    pool, (user,), dropped = a_pool(1)
    pool.arrive(10, 10)
    pool.arrive(20, 20)
    pool.release(user, 20 + QUEUE_TIMEOUT_NS)
    assert user.taken == [10]
    assert pool.is_idle
    assert (pool.arrivals, dropped) == (Arrivals(3, 2, 1, 1), ["one"])


def test_at_most_so_many_at_once() -> None:
    """At the limit, free users stay idle."""
    pool, users, _ = a_pool(3)
    pool.most = 2
    for due in (1, 2, 3):
        pool.arrive(due, due)
    assert [user.taken for user in users] == [[1], [2], []]
    pool.release(users[0], 4)
    assert users[2].taken == [3]


def test_a_stalled_generator_does_not_burst() -> None:
    """Arrivals due long ago are dropped, even if a user is free."""
    pool, (user,), _ = a_pool(1)
    pool.arrive(0, MAX_LATENESS_NS + 1)
    assert user.taken == []
    assert pool.arrivals == Arrivals(3, 1, 0, 1)


def test_a_stopped_user_returns_its_arrival() -> None:
    """An assigned arrival that has not started is dropped; its user gets no other."""
    pool, (user,), dropped = a_pool(1)
    pool.arrive(10, 10)
    pool.remove_stopped(user, has_arrival=True)
    pool.arrive(20, 20)
    assert user.taken == [10]
    pool.close()
    assert (pool.arrivals, len(dropped)) == (Arrivals(3, 2, 0, 2), 2)


def test_arrivals_for_users_that_have_ended() -> None:
    """What such a user could have started counts: nothing late, and nothing above the limit."""
    pool, (first, second, _), _ = a_pool(3)
    pool.arrive(10, 10)
    pool.remove(first)
    pool.remove_ended(second)
    pool.arrive(0, MAX_LATENESS_NS + 1)
    pool.most = 1
    pool.arrive(20, 20)
    pool.arrive(30, 30)
    pool.expire(30 + QUEUE_TIMEOUT_NS)
    assert (pool.dropped, pool.userless) == (2, 0)
    pool.most = None
    pool.arrive(40, 40)
    pool.close()
    assert (pool.dropped, pool.userless) == (3, 1)


def test_arrivals_that_busy_users_keep_waiting() -> None:
    """Users that Locust stops, and busy users, are no reason to blame those that ended."""
    pool, (user,), _ = a_pool(1)
    pool.arrive(10, 10)
    pool.remove(user)
    pool.arrive(20, 20)
    pool.close()
    assert (pool.dropped, pool.userless) == (1, 0)


def test_a_closed_pool_starts_nothing() -> None:
    """Waiting arrivals are dropped, and freed users get none."""
    pool, (user,), _ = a_pool(1)
    pool.arrive(10, 10)
    pool.arrive(20, 20)
    pool.close()
    pool.release(user, 21)
    assert user.taken == [10]
    assert pool.arrivals == Arrivals(3, 2, 1, 1)


@given(st.lists(st.tuples(st.sampled_from("afsle"), st.integers(0, 4)), max_size=60))
def test_every_arrival_is_counted_once(steps: list[tuple[str, int]]) -> None:
    """Whatever users do, every due arrival was started or dropped once the pool is closed."""
    pool, users, dropped = a_pool(5)
    now_ns, arrived = 0, 0
    for step, number in steps:
        now_ns += QUEUE_TIMEOUT_NS // 3
        match step:
            case "a":
                pool.arrive(now_ns, now_ns)
                arrived += 1
            case "f":
                pool.release(users[number], now_ns)
            case "s":
                pool.remove_stopped(users[number], has_arrival=False)
            case "l":
                pool.remove(users[number])
            case _:
                pool.expire(now_ns)
    pool.close()
    started = sum(len(user.taken) for user in users)
    assert pool.arrivals == Arrivals(3, arrived, started, arrived - started)
    assert len(dropped) == pool.dropped
