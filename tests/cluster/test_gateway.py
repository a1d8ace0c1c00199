"""Checks on a real gateway what rollouts rely on: weights, header matches, mirrored requests, lossless changes."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from tests.support.addons import Gateway
from tests.support.echo import echo, served
from tests.support.kube import Kube
from tests.support.namespace import new_namespace

pytestmark = pytest.mark.cluster

Object = dict[str, Any]
HOST = "echo.example.com"
CONNECTIONS = 5
HEADER = {"x-version": "two"}


class Routed:
    """Two echo services, one and two, and the HTTPRoute to them."""

    def __init__(self, kube: Kube, gateway: Gateway) -> None:
        self.kube, self.gateway = kube, gateway

    def route(self, one: int, two: int, *filters: Object) -> None:
        """Splits requests by weight; a request with HEADER goes to two. Returns once the gateway accepts the route."""
        weighted = [{"name": "one", "port": 80, "weight": one}, {"name": "two", "port": 80, "weight": two}]
        by_header = {"type": "Exact", "name": "x-version", "value": "two"}
        rules = [
            {"matches": [{"headers": [by_header]}], "backendRefs": [{"name": "two", "port": 80}]},
            {"backendRefs": weighted, **({"filters": list(filters)} if filters else {})},
        ]
        spec = {"parentRefs": [self.gateway.parent()], "hostnames": [HOST], "rules": rules}
        metadata = {"name": "echo", "namespace": self.kube.namespace}
        kind = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}
        self.kube.apply({**kind, "metadata": metadata, "spec": spec})
        self.kube.until("the route to be accepted", self._accepted, 30)

    def _accepted(self) -> bool:
        route = self.kube.get("httproute", "echo") or {}
        parents = route.get("status", {}).get("parents", ())
        generation = route["metadata"]["generation"]
        holds = {
            condition["type"]: condition["status"] == "True" and condition["observedGeneration"] == generation
            for parent in parents
            for condition in parent["conditions"]
        }
        return bool(holds.get("Accepted") and holds.get("ResolvedRefs"))

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.gateway.address, self.gateway.port, timeout=10)

    def ask(self, connection: http.client.HTTPConnection, headers: dict[str, str] | None = None) -> str:
        """Returns the name of the service that answered, or a text that describes the failure."""
        try:
            connection.request("GET", "/ask", headers={"Host": HOST, **(headers or {})})
            answer = connection.getresponse()
            body = answer.read()
            return str(json.loads(body)["name"]) if answer.status == 200 else f"{answer.status} {body[:100]!r}"
        except (OSError, http.client.HTTPException, ValueError) as problem:
            connection.close()
            return repr(problem)

    def until_split(self, services: set[str]) -> None:
        """Waits until exactly these services answer: the gateway accepts a route before all its threads apply it."""

        def only_these_answer() -> bool:
            connection = self.connect()
            try:
                return {self.ask(connection) for _ in range(20)} == services
            finally:
                connection.close()

        split = f"answers of {' and '.join(services)} only"
        self.kube.until(split, lambda: only_these_answer() and only_these_answer(), 30)

    def many(self, count: int, headers: dict[str, str] | None = None) -> Counter[str]:
        """Sends ``count`` requests on 5 connections at once and counts the answers by service."""

        def send_share(_: int) -> Counter[str]:
            connection = self.connect()
            try:
                return Counter(self.ask(connection, headers) for _ in range(count // CONNECTIONS))
            finally:
                connection.close()

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return sum(pool.map(send_share, range(CONNECTIONS)), Counter())

    @contextmanager
    def asking(self) -> Iterator[Counter[str]]:
        """Sends requests on 5 connections during the block. The yielded counter is filled when the block ends."""
        stop, total = Event(), Counter[str]()

        def send_until_stopped(_: int) -> Counter[str]:
            connection, answers = self.connect(), Counter[str]()
            while not stop.wait(0.01):
                answers[self.ask(connection)] += 1
            connection.close()
            return answers

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            senders = [pool.submit(send_until_stopped, n) for n in range(CONNECTIONS)]
            try:
                yield total
            finally:
                stop.set()
                for sender in senders:
                    total.update(sender.result())


@pytest.fixture(scope="module")
def routed(cluster: str, gateway: Gateway) -> Iterator[Routed]:
    with new_namespace(cluster) as kube:
        kube.apply(*echo(kube, "one"), *echo(kube, "two"))
        for name in ("one", "two"):
            kube.run("rollout", "status", f"deployment/{name}", "--timeout=120s")
        routed = Routed(kube, gateway)
        routed.route(90, 10)
        routed.until_split({"one", "two"})
        yield routed


def test_weights_are_kept_to_the_request(routed: Routed) -> None:
    routed.route(90, 10)
    routed.until_split({"one", "two"})
    answers = routed.many(500)
    assert sum(answers.values()) == 500
    assert set(answers) == {"one", "two"}
    assert abs(answers["two"] - 50) <= routed.gateway.workers


def test_a_header_decides_exactly(routed: Routed) -> None:
    routed.route(100, 0)
    routed.until_split({"one"})
    assert routed.many(100, HEADER) == {"two": 100}
    assert routed.many(100, {"x-version": "two and more"}) == {"one": 100}
    assert routed.many(100) == {"one": 100}


def test_every_request_is_copied_and_clients_see_nothing_of_it(routed: Routed) -> None:
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "two", "port": 80}}}
    routed.route(100, 0, mirror)
    before = served(routed.kube, "two")
    routed.kube.until("the first copy", lambda: routed.many(CONNECTIONS) and served(routed.kube, "two") > before, 30)
    settled(routed)
    before = served(routed.kube, "two")
    assert routed.many(200) == {"one": 200}
    routed.kube.until("200 copies", lambda: served(routed.kube, "two") == before + 200, 10)


def settled(routed: Routed) -> None:
    """Waits until each of 20 requests is mirrored once: by then every thread of the gateway has the new route."""

    def whole_round() -> bool:
        before = served(routed.kube, "two")
        routed.many(20)
        time.sleep(0.3)
        return served(routed.kube, "two") == before + 20

    routed.kube.until("a copy of each", whole_round, 30)


def test_no_request_fails_while_weights_change(routed: Routed) -> None:
    routed.route(100, 0)
    routed.until_split({"one"})
    with routed.asking() as answers:
        for one, two, services in ((90, 10, {"one", "two"}), (50, 50, {"one", "two"}), (0, 100, {"two"})):
            routed.route(one, two)
            routed.until_split(services)
            time.sleep(1)
    assert set(answers) == {"one", "two"}, "nothing but answers"
    assert answers["two"] > 100
