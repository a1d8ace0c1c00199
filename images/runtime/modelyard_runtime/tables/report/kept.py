"""Keeps the report beside a version. That it can't be made or kept is told, and costs the version nothing."""

from __future__ import annotations

from collections.abc import Callable

from modelyard_api.fields.artifact import REPORT_HTML
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say, trace
from modelyard_runtime.tables.report.material import Material


def keep(folder: str, material: Callable[[], Material], put_first: Callable[[str, bytes], None]) -> str | None:
    """Writes the report into the folder of the version, and returns why there is none, or None if there is one.

    Raises Unavailable, as every write does.
    """
    try:
        # Import only now: other commands need no templates.
        from modelyard_runtime.tables.report.page import report_of

        page = report_of(material())
    except Exception as error:
        trace()
        why = f"{type(error).__name__}: {error}"[:256]
    else:
        try:
            put_first(f"{folder}/{REPORT_HTML}", page)
        except UserError as error:
            why = error.message[:256]
        else:
            say(f"report of {len(page)} bytes")
            return None
    say(f"the version has no report: {why}")
    return why
