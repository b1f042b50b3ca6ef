"""Verifying: takes a run through every stage, from ledger and topic to verdict and report.

If a stage lacks evidence or crashes, the report is inconclusive, and its first reason says what
happened. A skipped stage never turns into a pass.
"""

import contextlib
import traceback
from pathlib import Path

from headcount.errors import EvidenceError, PartError
from headcount.files import write_atomically
from headcount_analysis.judge import other_topic
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.checks import check
from headcount_analysis.pipeline.compare import ComparedRun, compare
from headcount_analysis.pipeline.evidence import gather
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.read import read
from headcount_analysis.pipeline.report import crashed_report, report
from headcount_analysis.pipeline.settle import settle
from headcount_analysis.pipeline.table_places import Places
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.report.model import Report
from headcount_analysis.spark.session import is_alive


def verify(plan: VerificationPlan, tools: Tools, cache: RunCache) -> Report:
    """Judge a run by its ledger and its part of the topic, and write its report.

    Args:
        plan: The run and its criteria. The report and its tables are written to the run's folder.
        tools: Spark, the source, the tables and the callbacks.
        cache: Earlier results; empty for a run that was not followed.

    Returns:
        The report; it is inconclusive if the run could not be judged.

    Raises:
        PartError: Spark died during the verification.
        EvidenceError: The report cannot be written.
    """
    judged = _judged(plan, tools, cache)
    tools.progress("writing the report")
    # The chart library loads slowly; the caller can load it while Spark works.
    from headcount_analysis.report.writer import write  # noqa: PLC0415

    try:
        write(judged, plan.folder)
    except OSError as error:
        raise EvidenceError(f"cannot write the report in {plan.folder.path}: {error}") from error
    return judged


def _judged(plan: VerificationPlan, tools: Tools, cache: RunCache) -> Report:
    """Take the run through all stages; an error never leads to a pass."""
    try:
        return _through_all_stages(plan, tools, cache)
    except EvidenceError as error:
        return crashed_report(plan, str(error))
    except Exception as error:
        if not is_alive(tools.spark):
            raise PartError(
                f"Spark died while verifying {plan.folder.path}: see its log in "
                f"{plan.folder.logs}, and give it more memory (--spark-heap) if it ran out"
            ) from error
        return crashed_report(plan, _crash_reason(error, _keep_traceback(plan, error)))


def _through_all_stages(plan: VerificationPlan, tools: Tools, cache: RunCache) -> Report:
    for doubt in other_topic(plan.manifest, plan.seen):
        raise EvidenceError(str(doubt))
    places = (Places.resume if cache.has_files else Places.begin)(tools.tables)

    def read_and_compare(plan: VerificationPlan) -> ComparedRun:
        return compare(plan, tools, places, cache, read(plan, tools, places, cache))

    plan, comparison = settle(plan, tools, read_and_compare)
    places.finish(tools.tables, comparison.fates_files)
    evidence = gather(plan, tools, comparison)
    checked = check(plan, comparison, evidence)
    return report(plan, comparison, evidence, checked)


def _keep_traceback(plan: VerificationPlan, error: Exception) -> Path:
    path = plan.folder.logs / "verify-crash.log"
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, "".join(traceback.format_exception(error)))
    return path


def _crash_reason(error: Exception, log: Path) -> str:
    """Describe a crash in one line; for a Java stack trace, by its innermost cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    cause = causes[-1].removeprefix("Caused by: ") if causes else (lines or [repr(error)])[0]
    return f"a check crashed, so nothing is proven: {cause[:400]}; see {log}"
