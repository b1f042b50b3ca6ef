"""Compilation: how much of its time a JVM spends on making its code quick."""

QUICK_START = ("-XX:TieredStopAtLevel=1",)
"""Compiles quickly and not well: sooner ready, slower later."""

LONG_WORK = (
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
"""Compiles well only what is used ten times as often as usual: not what merely starts."""
