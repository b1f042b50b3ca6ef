"""The list of requests that the connections of a benchmark send in turn.

The stateless list repeats one request. The stateful list holds commands of many players: all
players send one command before any sends the next, so that no two requests of a player overlap.
It can be repeated: players earn what they spend, and remove what they put into their carts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

STATELESS, STATEFUL = "stateless", "stateful"
ROUTES = (STATELESS, STATEFUL)
PLAYERS = 500

# A wrk script: reads the list once, and sends its requests in turn.
WRK_SCRIPT = """
local requests, last = {{}}, 0
init = function()
  local headers = {{["Content-Type"] = "application/json"}}
  for line in io.lines("{path}") do
    local method, target, body = line:match("^(%S+) (%S+) ?(.*)$")
    local has_body = body ~= ""
    requests[#requests + 1] =
      wrk.format(method, target, has_body and headers or nil, has_body and body or nil)
  end
end
request = function()
  last = last % #requests + 1
  return requests[last]
end
"""


@dataclass(frozen=True, slots=True)
class ListedRequest:
    """A request; its body is JSON or empty."""

    method: str
    path: str
    body: str = ""

    @property
    def line(self) -> str:
        """The request as one line of a file."""
        return f"{self.method} {self.path} {self.body}".strip()

    def message(self, host: str) -> bytes:
        """The request as HTTP/1.1."""
        content_type = "Content-Type: application/json\r\n" if self.body else ""
        length = f"Content-Length: {len(self.body)}\r\n" if self.method != "GET" else ""
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\n{content_type}{length}\r\n"
        return (head + self.body).encode()


def sign_ups() -> list[ListedRequest]:
    """The requests that create the players."""
    return [
        ListedRequest("POST", "/players", f'{{"player_id":"p{number}"}}')
        for number in range(PLAYERS)
    ]


def requests_of(route: str, path: str) -> list[ListedRequest]:
    """The requests for a route; `path` is the path of the stateless request."""
    if route == STATELESS:
        return [ListedRequest("GET", path)]
    players = [f"p{number}" for number in range(PLAYERS)]
    potion = '"item":"potion","effect":"healing","strength":1,"quantity":1'
    name = "potion:effect=healing,strength=1"
    return [
        *(
            ListedRequest("POST", f"/players/{player}/earnings", '{"gold":100}')
            for player in players
        ),
        *(
            ListedRequest("POST", "/purchases", f'{{"player_id":"{player}",{potion}}}')
            for player in players
        ),
        *(ListedRequest("POST", f"/players/{player}/cart", f"{{{potion}}}") for player in players),
        *(ListedRequest("DELETE", f"/players/{player}/cart/{name}") for player in players),
    ]


def write(path: Path, listed: Iterable[ListedRequest]) -> None:
    """Write a list, one request a line."""
    path.write_text("".join(f"{request.line}\n" for request in listed), encoding="utf-8")


def read(path: Path) -> list[ListedRequest]:
    """Read a list."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [ListedRequest(*line.split(" ", 2)) for line in lines]
