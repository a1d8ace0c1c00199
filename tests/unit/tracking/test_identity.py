"""Checks how often the API server is asked whose a token is. ``tests/contract`` asks a real one."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from modelyard_tracking import identity
from modelyard_tracking.identity import OPERATOR_SECONDS, POD_SECONDS, REFUSED_SECONDS, Identities, Unknown
from modelyard_tracking.kubernetes import Away
from tests.unit.tracking.tokens import OPERATOR, claims_of, made


class Server:
    def __init__(self, phase: str = "Running") -> None:
        self.reviews = self.pods = 0
        self.phase, self.uid, self.away, self.annotations = phase, "u1", False, dict[str, str]()

    async def review(self, token: str) -> dict[str, Any]:
        self.reviews += 1
        await asyncio.sleep(0)
        if self.away:
            raise Away("connection refused")
        claims = claims_of(token)
        bound = {"authentication.kubernetes.io/pod-name": ["p"], "authentication.kubernetes.io/pod-uid": ["u1"]}
        user = {"username": claims["user"], "extra": bound if claims["pod"] else {}}
        return {"authenticated": not claims.get("forged"), "audiences": claims["aud"], "user": user}

    async def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        self.pods += 1
        metadata = {"uid": self.uid, "annotations": self.annotations}
        return {"metadata": metadata, "status": {"phase": self.phase}} if name == "p" else None


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moving = Clock()
    monkeypatch.setattr(identity, "time", moving)
    return moving


async def test_fifty_clients_at_once_cause_one_review() -> None:
    server = Server()
    identities, token = Identities(server, OPERATOR), made()
    assert {who.name for who in await asyncio.gather(*(identities.of(token) for _ in range(50)))} == {"pod team/p"}
    assert (server.reviews, server.pods) == (1, 1)


async def test_a_client_that_goes_away_leaves_the_answer_to_the_others() -> None:
    server = Server()
    identities, token = Identities(server, OPERATOR), made()
    first, second = (asyncio.create_task(identities.of(token)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).name == "pod team/p"
    assert server.reviews == 1


@pytest.mark.parametrize(
    ("user", "kept"), [("system:serviceaccount:team:default", POD_SECONDS), (OPERATOR, OPERATOR_SECONDS)]
)
async def test_an_answer_is_remembered_for_some_time(clock: Clock, user: str, kept: float) -> None:
    server = Server()
    identities, token = Identities(server, OPERATOR), made(user, seconds=3600)
    await identities.of(token)
    clock.now += kept - 1
    await identities.of(token)
    assert server.reviews == 1
    clock.now += 2
    await identities.of(token)
    assert server.reviews == 2


async def test_an_answer_is_not_remembered_longer_than_its_token_lives(clock: Clock) -> None:
    server = Server()
    identities, token = Identities(server, OPERATOR), made(seconds=20)
    await identities.of(token)
    clock.now += 21
    with pytest.raises(Unknown, match="expired"):
        await identities.of(token)


async def test_a_refusal_is_remembered_for_a_shorter_time(clock: Clock) -> None:
    server = Server()
    identities, token = Identities(server, OPERATOR), made(forged=True)
    for _ in range(3):
        with pytest.raises(Unknown):
            await identities.of(token)
    assert server.reviews == 1
    clock.now += REFUSED_SECONDS + 1
    with pytest.raises(Unknown):
        await identities.of(token)
    assert server.reviews == 2


async def test_that_the_api_server_is_away_is_not_remembered() -> None:
    server = Server()
    server.away = True
    identities, token = Identities(server, OPERATOR), made()
    with pytest.raises(Away):
        await identities.of(token)
    server.away = False
    assert (await identities.of(token)).name == "pod team/p"


async def test_no_more_than_so_many_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "REMEMBERED", 3)
    server = Server()
    identities, tokens = Identities(server, OPERATOR), [made(number=number) for number in range(5)]
    for token in tokens:
        await identities.of(token)
    assert len(identities._known) == 3
    await identities.of(tokens[-1])
    assert server.reviews == 5


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "no token"),
        ("abc", "no token"),
        ("a.b.c", "no token"),
        ("a.bnVsbA.c", "no token"),
        ("a." + "e" * 9000 + ".c", "no token"),
        (made(aud=["https://kubernetes.default.svc"]), "another audience"),
        (made(seconds=-1), "expired"),
    ],
)
async def test_what_can_be_no_token_of_ours_is_not_even_reviewed(token: str, why: str) -> None:
    server = Server()
    with pytest.raises(Unknown, match=why):
        await Identities(server, OPERATOR).of(token)
    assert server.reviews == 0


@pytest.mark.parametrize(
    "user", ["system:serviceaccount:team:modelyard-operator", "modelyard-operator", "kubernetes-admin"]
)
async def test_no_other_user_is_the_operator(user: str) -> None:
    identities = Identities(Server(), OPERATOR)
    with pytest.raises(Unknown, match="not bound"):
        await identities.of(made(user, pod=""))


@pytest.mark.parametrize(
    ("change", "why"), [({"phase": "Succeeded"}, "ended"), ({"phase": "Failed"}, "ended"), ({"uid": "u2"}, "gone")]
)
async def test_a_pod_that_has_ended_has_no_rights(change: dict[str, str], why: str) -> None:
    server = Server()
    vars(server).update(change)
    with pytest.raises(Unknown, match=why):
        await Identities(server, OPERATOR).of(made())


async def test_a_pod_has_the_rights_of_its_annotations_in_its_namespace() -> None:
    server = Server("Pending")
    server.annotations = {"modelyard.dev/reads": "mlflow-artifacts:/modelyard/team/m mlflow-artifacts:/modelyard/x/m"}
    who = await Identities(server, OPERATOR).of(made())
    assert who.rights.reads == ("modelyard/team/m",)
    assert not who.is_operator
