"""The base class of load shapes that keep to `--users` and `--run-time`."""

from locust import LoadTestShape

DEFAULT_USERS, DEFAULT_RUN_TIME_S = 20, 30


class PlannedShape(LoadTestShape):
    """A shape that says, for each second of the run, how many of the users are there.

    Subclasses set `abstract = False` and define `users_at`.
    """

    abstract = True
    use_common_options = True

    def users_at(self, now_s: float, users: int, run_time_s: float) -> int:
        """Tell how many of `users` are there `now_s` seconds into the run."""
        raise NotImplementedError

    def tick(self) -> tuple[int, float] | None:
        """Answer Locust: users now, and how many may come in a second; None when it is over."""
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        users = getattr(options, "num_users", None) or DEFAULT_USERS
        run_time_s = float(getattr(options, "run_time", None) or DEFAULT_RUN_TIME_S)
        now_s: float = self.get_run_time()  # type: ignore[no-untyped-call]
        if now_s >= run_time_s:
            return None
        return max(1, self.users_at(now_s, users, run_time_s)), users
