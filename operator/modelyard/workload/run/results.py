"""Reads the result that a pod wrote to the artifact store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from modelyard.engine import plan
from modelyard.engine.plan import Facts, Unreadable
from modelyard.workload.conclude import RETRY, read
from modelyard_api.wire.result import Error, Failed, Result

_RESULT: TypeAdapter[Result] = TypeAdapter(Result)


def parse(document: Any, uri: str) -> Result | None:
    """Returns the result in a document, or None if there is no document.

    An invalid document becomes a ``Failed`` with that message: an exception would recur at every pass for ever.
    """
    if document is None:
        return None
    if isinstance(document, Unreadable):
        return _unreadable(document.message)
    try:
        return _RESULT.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        location = "".join(filter(str.isprintable, ".".join(map(str, first["loc"]))))[:200] or "the document"
        return _unreadable(f"{uri}: {location}: {first['msg']}")


def read_result(facts: Facts, uri: str, now: datetime, lasts: bool = True) -> Result | None:
    """Returns the result at this URI of the artifact store, as ``parse`` does. Raises Missing and Waits.

    ``lasts`` says that no pod will write there any more.
    """
    return parse(read(facts, plan.Result(uri, lasts), "ArtifactStoreUnavailable", now + RETRY), uri)


def _unreadable(problem: str) -> Failed:
    message = f"the result can't be understood: {problem}; use an image of the same release as the operator"
    return Failed(error=Error(reason="ResultUnreadable", message=message))
