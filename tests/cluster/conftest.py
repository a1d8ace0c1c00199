"""Provides the Bench: an operator that runs the engine's test controller on the cluster."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cluster.engine.bench import Bench
from tests.cluster.engine.gears import CRD, RULES
from tests.support.api import Api
from tests.support.proxy import Proxy


@pytest.fixture
async def bench(cluster: str, tmp_path: Path) -> AsyncIterator[Bench]:
    user = f"modelyard-{secrets.token_hex(4)}"
    async with Api() as api, Proxy(api, user) as proxy:
        await api(
            "PATCH",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gears.test.modelyard.dev?fieldManager=test&force=true",
            CRD,
            "application/apply-patch+yaml",
        )
        namespace = f"engine-{secrets.token_hex(4)}"
        await api("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        rights = "/apis/rbac.authorization.k8s.io/v1"
        await api("POST", f"{rights}/clusterroles", {"metadata": {"name": user}, "rules": RULES})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
        binding = {"metadata": {"name": user}, "roleRef": role, "subjects": [{"kind": "User", "name": user}]}
        await api("POST", f"{rights}/clusterrolebindings", binding)
        bench = Bench(api, proxy, namespace, tmp_path)
        try:
            bench.operator.start()
            await bench.leads()
            yield bench
        finally:
            if bench.operator.runs:
                await asyncio.to_thread(bench.operator.stop)
            for gear in (await api("GET", bench.path("gears")))["items"]:
                if gear["metadata"].get("finalizers"):
                    await bench.edit("gears", gear["metadata"]["name"], {"metadata": {"finalizers": None}})
            await api("DELETE", f"/api/v1/namespaces/{namespace}")
            await api("DELETE", f"{rights}/clusterrolebindings/{user}")
            await api("DELETE", f"{rights}/clusterroles/{user}")
