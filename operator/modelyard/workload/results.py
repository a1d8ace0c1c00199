"""Reads what a pod left in the artifact store."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from modelyard_api.result import Error, Failed, Result

_RESULT: TypeAdapter[Result] = TypeAdapter(Result)


def parse(document: Any, uri: str) -> Result | None:
    """The result in a document, or None where there is no document.

    One that can't be understood is a ``Failed`` that says so: an exception would be thrown at every pass, for ever.
    """
    if document is None:
        return None
    try:
        return _RESULT.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        message = (
            f"the result at {uri} can't be understood: {where}: {first['msg']}; "
            "use an image of the same release as the operator"
        )
        return Failed(error=Error(reason="ResultUnreadable", message=message))
