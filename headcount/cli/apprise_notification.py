"""The notification by apprise: the verdict of a run, sent to chats, pagers and mailboxes.

Each receiver is named by a URL. Like the webhook's URL, these URLs come from the environment alone,
and no message contains them. So apprise's own messages, which may repeat a part of a URL, are not
shown.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from headcount.cli.notification import title_of
from headcount.console import Console
from headcount.errors import UsageError
from headcount.installation import remedy
from headcount.run.folder import RunFolder
from headcount.run.verdict import Label, StoredVerdict, read_verdict

if TYPE_CHECKING:
    from apprise import Apprise

VARIABLE = "HEADCOUNT_NOTIFY_URLS"
TIMEOUT_S = 10.0
_EXTRA = "notify"
_NEVER = logging.CRITICAL + 1
"""A level above those of all log messages, so that apprise logs none."""


def receivers_of(environ: Mapping[str, str]) -> "Apprise | None":
    """Return the receivers whose URLs are in HEADCOUNT_NOTIFY_URLS; None if there are none.

    Raises:
        UsageError: A URL is not one of apprise's, or apprise is not installed.
    """
    urls = environ.get(VARIABLE, "").split()
    if not urls:
        return None
    try:
        from apprise import Apprise, OverflowMode  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise UsageError(f"{VARIABLE} needs the package apprise: {remedy(_EXTRA)}") from None
    logging.getLogger("apprise").setLevel(_NEVER)
    receivers = Apprise()
    for number, url in enumerate(urls, 1):
        receiver = Apprise.instantiate(url)
        if receiver is None:
            raise UsageError(
                f"{VARIABLE}: URL {number} of {len(urls)} is not a URL that apprise knows"
            )
        # A long message is cut rather than refused.
        receiver.overflow_mode = OverflowMode.TRUNCATE
        receivers.add(receiver)
    return receivers


def notify_receivers(receivers: "Apprise | None", folder: RunFolder, console: Console) -> None:
    """Send a run's verdict to all receivers; one that fails only adds a line of output."""
    verdict = read_verdict(folder.path) if receivers is not None else None
    if receivers is None or verdict is None:
        return
    from apprise import NotifyFormat, NotifyType  # noqa: PLC0415 - an extra

    kinds = {Label.PASS: NotifyType.SUCCESS, Label.INCONCLUSIVE: NotifyType.WARNING}
    try:
        summary = (folder.path / "summary.md").read_text("utf-8")
    except OSError as error:
        console.error(f"the verdict cannot be sent: {error}")
        return
    results = receivers.notify(
        title=title_of(verdict),
        body=body_of(verdict, summary),
        body_format=NotifyFormat.MARKDOWN,
        notify_type=kinds.get(verdict.label, NotifyType.FAILURE),
        timeout=TIMEOUT_S,
    )
    for result in results:
        if not result:
            console.error(f"the verdict cannot be sent to {result.name}: {result.status.name}")


def body_of(verdict: StoredVerdict, summary: str) -> str:
    """Return the reasons, and the summary without its heading, in Markdown."""
    lines = summary.splitlines()
    if lines and lines[0].startswith("#"):
        lines = lines[1:]
    reasons = [f"- {reason}" for reason in verdict.reasons]
    return "\n".join((*reasons, "", *lines)).strip()
