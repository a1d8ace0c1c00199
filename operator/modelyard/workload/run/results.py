"""What a pod left in the artifact store, or that it left nothing that can be understood."""

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
    """The result in a document, or None where there is no document.

    One that can't be understood is a ``Failed`` that says so: an exception would be thrown at every pass, for ever.
    """
    if document is None:
        return None
    if isinstance(document, Unreadable):
        return _unreadable(document.message)
    try:
        return _RESULT.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(filter(str.isprintable, ".".join(map(str, first["loc"]))))[:200] or "the document"
        return _unreadable(f"{uri}: {where}: {first['msg']}")


def read_result(facts: Facts, uri: str, now: datetime) -> Result | None:
    """The result at this address of the artifact store, as ``parse`` has it. Raises Missing and Waits."""
    return parse(read(facts, plan.Result(uri), "ArtifactStoreUnavailable", now + RETRY), uri)


def _unreadable(what: str) -> Failed:
    message = f"the result can't be understood: {what}; use an image of the same release as the operator"
    return Failed(error=Error(reason="ResultUnreadable", message=message))
