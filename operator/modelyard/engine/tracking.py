"""Ends runs of the tracking server whose pods could not say that they end."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import orjson

from modelyard.engine.artifacts import NoDocument, body, check, identity, is_absent
from modelyard.engine.plan import Closed

_API = "/api/2.0/mlflow"


async def close(session: aiohttp.ClientSession, tracking_url: str, need: Closed) -> None:
    """Ends the run of a Closed, if there is one that is open. Any number of calls come to the same."""
    base = f"{tracking_url.rstrip('/')}{_API}"
    named, url = {"experiment_name": need.experiment}, f"{base}/experiments/get-by-name"
    async with session.get(url, params=named, headers=identity()) as answer:
        if await is_absent(answer):
            return
        await check(answer)
        document = orjson.loads(await body(answer))
    try:
        wanted = f"tags.`modelyard.dev/uid` = '{need.uid}' and attributes.status = 'RUNNING'"
        asked = {"experiment_ids": [document["experiment"]["experiment_id"]], "filter": wanted, "max_results": 10}
        found = await _post(session, f"{base}/runs/search", asked)
        for run in found.get("runs") or ():
            ended = {"run_id": run["info"]["run_id"], "status": need.status, "end_time": int(time.time() * 1000)}
            await _post(session, f"{base}/runs/update", ended)
    except (AttributeError, KeyError, TypeError) as error:
        raise NoDocument("the tracking server answered with neither experiments nor runs") from error


async def _post(session: aiohttp.ClientSession, url: str, document: dict[str, Any]) -> Any:
    async with session.post(url, json=document, headers=identity()) as answer:
        await check(answer)
        return orjson.loads(await body(answer))
