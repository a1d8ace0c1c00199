"""Fuzzes what the operator tells of pods and of the API server: no condition and no log line has a credential."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.engine import client
from modelyard.engine.client import ApiError
from modelyard.engine.logs import JsonFormatter
from modelyard.engine.plan import Create, Facts, PodsWith
from modelyard.engine.refusal import refusal_of
from modelyard.engine.resource import JOBS
from modelyard.workload.run import failures
from modelyard.workload.run.failures import Fields
from modelyard.workload.unready import Described, inspect
from tests.support.credentials import Leak, leaks
from tests.unit.kinds.world import START

FIELDS = (Fields(), Fields(own_image="spec.trainer.container.image"))


def pod(**state: Any) -> dict[str, Any]:
    status = {"name": "main", "image": "ghcr.io/acme/x:1", "state": state}
    phase = "Failed" if "terminated" in state else "Pending"
    spec = {"containers": [{"name": "main"}]}
    return {"metadata": {"name": "p"}, "spec": spec, "status": {"phase": phase, "containerStatuses": [status]}}


@given(leaks(), st.sampled_from(FIELDS), st.sampled_from(("{}", "starts\n{}", "{}\nends")))
def test_the_last_lines_of_a_container(leak: Leak, fields: Fields, around: str) -> None:
    """Kubernetes takes them for its termination message."""
    trouble = failures.ended([pod(terminated={"exitCode": 1, "message": around.format(leak.text)})], fields)
    assert trouble is not None
    leak.told(trouble.message)


@given(leaks())
def test_a_termination_message_that_is_made_to_look_like_ours(leak: Leak) -> None:
    message = json.dumps({"kind": "Failed", "error": {"reason": "Boom", "message": leak.text}})
    trouble = failures.ended([pod(terminated={"exitCode": 1, "message": message})])
    assert trouble is not None
    assert trouble.reason == "Boom"
    leak.told(trouble.message)


@given(leaks(), st.sampled_from((*failures.IMAGE_REASONS, *failures.CONFIG_REASONS)))
def test_what_the_kubelet_waits_for(leak: Leak, reason: str) -> None:
    """A registry's address may have a token, and what a container runtime says may be anything."""
    trouble = failures.waiting([pod(waiting={"reason": reason, "message": leak.text})])
    assert trouble is not None
    leak.told(trouble.message)


@given(leaks())
def test_why_no_pod_is_made(leak: Leak) -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": leak.text}
    status = {"observedGeneration": 1, "replicas": 0, "conditions": [refused]}
    child = {"metadata": {"name": "x", "generation": 1}, "spec": {"replicas": 1}, "status": status}
    unready = inspect(child, Described(PodsWith("team", "a=b"), Fields(), 60), Facts(), START)
    assert unready.trouble is not None
    leak.told(unready.trouble.message)


@given(leaks(), st.sampled_from((400, 403, 422, 500)))
def test_the_api_server_and_its_webhooks(leak: Leak, code: int) -> None:
    body = json.dumps({"reason": "Forbidden", "message": f'admission webhook "x" denied the request: {leak.text}'})
    with pytest.raises(ApiError) as error:
        client._parse(code, body.encode(), "")
    manifest = {"metadata": {"name": "a", "namespace": "team"}}
    refusal = refusal_of(Create(JOBS, manifest), error.value)
    record = logging.LogRecord("a", logging.WARNING, "a.py", 1, "can't write: %s", (error.value,), None)
    leak.told(error.value.message, str(error.value), str(refusal), JsonFormatter().format(record))


@given(leaks())
def test_a_connection_that_fails(leak: Leak) -> None:
    request = client.Request("get", "jobs", "GET", "/apis")
    leak.told(str(client._unreachable(request, OSError(leak.text))))
