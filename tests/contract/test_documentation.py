"""Checks that the API server accepts the objects in the README and the pages: no rule broken, no unknown field."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard_api import API_VERSION
from tests.contract.api import Api
from tests.support.documentation import PAGES, documents, name

pytestmark = pytest.mark.cluster
OBJECTS = [
    pytest.param(document, id=f"{name(page)}: {document['kind']}/{document['metadata']['name']}")
    for page in PAGES
    for _, document in documents(page)
    if document.get("apiVersion") == API_VERSION
]


@pytest.mark.parametrize("document", OBJECTS)
def test_it_is_accepted(api: Api, document: dict[str, Any]) -> None:
    answer = api.create(document)
    assert answer.code == 201, answer.message
