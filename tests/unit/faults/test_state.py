"""Checks what of a namespace's end state is compared: not the namespace's own name, but all that it has led to."""

import json
from typing import Any

from modelyard_api.fields.artifact import sha256
from tests.harness.faults.state import masked

Object = dict[str, Any]


def world(namespace: str, models: str, seen: str | None = None) -> dict[str, list[Object]]:
    """Returns a pool and the catalogue of its models, which names its namespace."""
    text = json.dumps({"uri": f"s3://bucket/{namespace}/{models}"})
    meta = {"namespace": namespace, "uid": "0", "name": "small"}
    return {
        "configmaps": [{"metadata": {**meta, "name": "small-pool"}, "data": {"catalogue.json": text}}],
        "modelpools": [{"metadata": meta, "status": {"catalogue": seen or sha256(text.encode())}}],
    }


def test_the_digest_of_a_text_that_names_the_namespace_is_the_same_in_another_one() -> None:
    assert masked(world("team-red", "one"), "team-red") == masked(world("team-blue", "one"), "team-blue")
    assert (
        "digest-of-configmaps/small-pool/catalogue.json"
        in masked(world("team-red", "one"), "team-red")["modelpools/small"]
    )


def test_a_digest_of_something_else_is_another() -> None:
    late = masked(world("team-red", "one", seen=sha256(b"of before")), "team-red")
    assert late["modelpools/small"] != masked(world("team-red", "one"), "team-red")["modelpools/small"]
