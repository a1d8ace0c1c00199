"""What rollouts rely on, on a real gateway: weights, header matches, copies, and changes that no request notices."""

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
        """Splits requests by weight, but one with the header goes to two; returns once the gateway says it does so."""
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
        found = {
            one["type"]: one["status"] == "True" and one["observedGeneration"] == generation
            for parent in parents
            for one in parent["conditions"]
        }
        return bool(found.get("Accepted") and found.get("ResolvedRefs"))

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.gateway.address, self.gateway.port, timeout=10)

    def ask(self, connection: http.client.HTTPConnection, headers: dict[str, str] | None = None) -> str:
        """The name of the service that answered, or what went wrong."""
        try:
            connection.request("GET", "/ask", headers={"Host": HOST, **(headers or {})})
            answer = connection.getresponse()
            body = answer.read()
            return str(json.loads(body)["name"]) if answer.status == 200 else f"{answer.status} {body[:100]!r}"
        except (OSError, http.client.HTTPException, ValueError) as problem:
            connection.close()
            return repr(problem)

    def until_split(self, wanted: set[str]) -> None:
        """Waits until exactly those services answer: a gateway's word is a moment ahead of its threads."""

        def seen() -> bool:
            connection = self.connect()
            try:
                return {self.ask(connection) for _ in range(20)} == wanted
            finally:
                connection.close()

        self.kube.until(f"answers of {' and '.join(wanted)} only", lambda: seen() and seen(), 30)

    def many(self, count: int, headers: dict[str, str] | None = None) -> Counter[str]:
        """Who answered that many requests, sent on a few connections at once."""

        def on_one(_: int) -> Counter[str]:
            connection = self.connect()
            try:
                return Counter(self.ask(connection, headers) for _ in range(count // CONNECTIONS))
            finally:
                connection.close()

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return sum(pool.map(on_one, range(CONNECTIONS)), Counter())

    @contextmanager
    def asking(self) -> Iterator[Counter[str]]:
        """Requests on a few connections all the while; what was answered, once it is over."""
        stop, total = Event(), Counter[str]()

        def on_one(_: int) -> Counter[str]:
            connection, found = self.connect(), Counter[str]()
            while not stop.wait(0.01):
                found[self.ask(connection)] += 1
            connection.close()
            return found

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            running = [pool.submit(on_one, n) for n in range(CONNECTIONS)]
            try:
                yield total
            finally:
                stop.set()
                for one in running:
                    total.update(one.result())


@pytest.fixture(scope="module")
def routed(cluster: str, gateway: Gateway) -> Iterator[Routed]:
    with new_namespace(cluster) as kube:
        kube.apply(*echo(kube, "one"), *echo(kube, "two"))
        for name in ("one", "two"):
            kube.run("rollout", "status", f"deployment/{name}", "--timeout=120s")
        made = Routed(kube, gateway)
        made.route(90, 10)
        made.until_split({"one", "two"})
        yield made


def test_weights_are_kept_to_the_request(routed: Routed) -> None:
    routed.route(90, 10)
    routed.until_split({"one", "two"})
    found = routed.many(500)
    assert sum(found.values()) == 500
    assert set(found) == {"one", "two"}
    assert abs(found["two"] - 50) <= routed.gateway.workers


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
    """Until a round of requests brings one copy each: by then every thread of the gateway copies."""

    def whole_round() -> bool:
        before = served(routed.kube, "two")
        routed.many(20)
        time.sleep(0.3)
        return served(routed.kube, "two") == before + 20

    routed.kube.until("a copy of each", whole_round, 30)


def test_no_request_fails_while_weights_change(routed: Routed) -> None:
    routed.route(100, 0)
    routed.until_split({"one"})
    with routed.asking() as found:
        for one, two, wanted in ((90, 10, {"one", "two"}), (50, 50, {"one", "two"}), (0, 100, {"two"})):
            routed.route(one, two)
            routed.until_split(wanted)
            time.sleep(1)
    assert set(found) == {"one", "two"}, "nothing but answers"
    assert found["two"] > 100
