"""The charts of the game's economy."""

from collections.abc import Iterator

import pandas as pd
from markupsafe import Markup

from headcount.palette import event_type_name
from headcount_analysis.report.html.bars import Bar, BarPart, drawn_bars
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.line_chart import Axis, AxisKind, ChartLine, LineChart, MarkKind
from headcount_analysis.report.html.svg import drawn
from headcount_analysis.state.game.economy import Economy

SHOWN = 10
SHOWN_VALUES = 30
MOST_GUILDS = 8


def game_figures(trade: Economy) -> Iterator[Figure]:
    """Yield the charts that have data."""
    whole = trade.sales[trade.sales["attribute"] == ""]
    if not whole.empty:
        yield _bars("Sales by item, in gold", whole.nlargest(SHOWN_VALUES, "gold"), "item", "gold")
    described = _described(trade.sales)
    if not described.empty:
        yield Figure(f"Units sold, by item and parameter (top {len(described)})", _sold(described))
    if not trade.guild_sizes.empty:
        yield _guilds(trade.guild_sizes)
    richest = trade.richest.head(SHOWN)
    if not richest.empty:
        title = f"The {len(richest)} richest players, in gold"
        yield _bars(title, richest, "player_id", "gold")
    carts = trade.abandoned_carts
    if not carts.empty:
        sums = carts.groupby("item")["quantity"].sum().reset_index()
        players = carts["player_id"].nunique()
        title = f"Units left in the carts of {players:,} players"
        yield _bars(title, sums.nlargest(SHOWN_VALUES, "quantity"), "item", "quantity")


def _described(sales: pd.DataFrame) -> pd.DataFrame:
    """Return the best-selling parameters: item, parameter, sold."""
    described = sales[sales["attribute"] != ""]
    named = described.assign(
        parameter=described["item"] + " " + described["attribute"] + "=" + described["value"]
    )
    return named.nlargest(SHOWN_VALUES, "sold")[["item", "parameter", "sold"]]


def _sold(described: pd.DataFrame) -> Markup:
    """Draw a bar for each parameter, in the colour of its item."""
    items = {item: index for index, item in enumerate(dict.fromkeys(described["item"]))}
    return drawn_bars(
        [
            Bar(name, (BarPart(sold, event_type_name(items[item]), f"{sold:,.0f}"),))
            for item, name, sold in described.itertuples(index=False)
        ]
    )


def _guilds(sizes: pd.DataFrame) -> Figure:
    """Draw the members of the largest guilds over time."""
    largest = sizes.groupby("guild")["members"].max().nlargest(MOST_GUILDS).index
    end_s = max(1.0, float(sizes["elapsed_s"].max()))
    lines = []
    for index, guild in enumerate(largest):
        of_guild = sizes[sizes["guild"] == guild].sort_values("elapsed_s", kind="stable")
        xs = [*of_guild["elapsed_s"].astype(float), end_s]
        ys = [*of_guild["members"].astype(float), float(of_guild["members"].iloc[-1])]
        lines.append(ChartLine(str(guild), event_type_name(index), xs, ys))
    axis = Axis(AxisKind.ELAPSED, 0.0, end_s)
    chart = LineChart(axis, tuple(lines), "members", 160, MarkKind.STEP)
    number = sizes["guild"].nunique()
    some = "" if number == len(largest) else f"The {len(largest)} largest of {number:,} guilds. "
    return Figure("Members of guilds", drawn(chart), f"{some}Seconds since the first event.")


def _bars(title: str, frame: pd.DataFrame, name: str, number: str) -> Figure:
    colour = event_type_name(0)
    ordered = frame.sort_values(number, ascending=False, kind="stable")
    pairs = zip(ordered[name].astype(str), ordered[number].astype(float), strict=True)
    bars = [Bar(label, (BarPart(value, colour, f"{value:,.0f}"),)) for label, value in pairs]
    return Figure(title, drawn_bars(bars))
