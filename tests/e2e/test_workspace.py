"""Checks a Workspace on real nodes: who comes in, what data is there, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kube import Kube, condition
from tests.support.workspaces import CHILD, NAME, POD, TOKENS, Lab

pytestmark = pytest.mark.cluster
DATA: dict[str, Any] = {"datasets": [{"name": "good"}]}
SEES = """
import hashlib, json, pathlib
found = {}
for file in sorted(pathlib.Path('/home/work/data/good').rglob('*.parquet')):
    found[file.name] = 'sha256:' + hashlib.sha256(file.read_bytes()).hexdigest()
try:
    (file.parent / 'more').touch()
    found['writable'] = True
except OSError:
    found['writable'] = False
found['token'] = pathlib.Path('/var/run/secrets/kubernetes.io').exists()
print(json.dumps(found))
"""


def ready(kube: Kube) -> bool:
    return (condition(kube.get("workspace", NAME), "Ready") or {}).get("status") == "True"


@pytest.fixture
def lab(kube: Kube) -> Iterator[Lab]:
    lab = Lab(kube)
    lab.put_volume()
    try:
        yield lab
    finally:
        lab.remove_volumes()


def test_people_come_in_and_find_their_data_and_what_they_have_written(lab: Lab) -> None:
    kube = lab.kube

    def code(name: str) -> int:
        return lab.ask("GET", "/api/contents", TOKENS[name])[0]

    lab.scene.dataset()
    lab.put_token("kim")
    lab.put(**DATA)
    message = kube.until_condition("workspace", NAME, "Ready", "False", "TokenMissing", 400)["message"]
    assert "lee has no token: there is no Secret 'of-lee' with the key 'token'" in message
    # The way to a pod is open a moment after it is Ready.
    kube.until("the others work meanwhile", lambda: code("kim") == 200, 60)
    lab.put_token("lee")
    kube.until("lee has come", lambda: lab.look_now() and ready(kube), 180, every=1)
    for name, token in TOKENS.items():
        assert lab.ask("GET", "/api/me", token)[1]["identity"]["name"] == name
    assert [lab.ask("GET", "/api/contents", token)[0] for token in ("", "wrong")] == [403, 403]

    version = kube.get("datasetversion", kube.get("workspace", NAME)["status"]["datasets"][0]["version"])  # type: ignore[index]
    assert version is not None
    files = {file["name"]: file["digest"] for file in version["spec"]["files"]}
    assert len(files) == 2
    assert json.loads(lab.run(SEES)) == {**files, "writable": False, "token": False}

    document = {"type": "file", "format": "text", "content": "kept\n"}
    assert lab.ask("PUT", "/api/contents/a.txt", TOKENS["kim"], document)[0] == 201
    kube.patch("workspace", NAME, {"spec": {"suspend": True}})
    kube.until("it is suspended", lambda: condition(kube.get("workspace", NAME), "Suspended"), 120)
    assert kube.list("pods", POD) == []
    kube.patch("workspace", NAME, {"spec": {"suspend": False}})
    lab.until_ready()
    kube.until("lee is let in", lambda: code("lee") == 200, 60)
    assert lab.ask("GET", "/api/contents/a.txt", TOKENS["lee"])[1]["content"] == "kept\n"

    kube.run("delete", "secret", "of-lee")
    kube.until("lee is out", lambda: lab.look_now() and code("lee") == 403, 180, every=1)
    assert code("kim") == 200
    kube.until("that is told", lambda: lab.look_now() and not ready(kube), 180, every=1)
    kube.until_condition("workspace", NAME, "Ready", "False", "TokenMissing")
    kube.delete("workspace", NAME)
    kube.until("its volume goes with it", lambda: kube.get("pvc", CHILD) is None, 120)
