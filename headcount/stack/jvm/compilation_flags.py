"""Compilation flags: how much time a JVM spends on optimizing its code."""

QUICK_START = ("-XX:TieredStopAtLevel=1",)
"""Only the C1 compiler: a quick start, but slower code."""

LONG_WORK = (
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
"""C2 thresholds ten times the default, so that start-up code is not optimized."""
