"""The three acts: a loop that nobody starts by hand, told with the cause of each step."""

from __future__ import annotations

from tests.demo.story import Story
from tests.support.clients import Clients
from tests.support.loop import SCALE_ERROR, SCORED, Loop


def play(story: Story) -> list[str]:
    """Plays the acts one after the other. Returns the requests that have failed."""
    loop = Loop(story.kube, story.until)
    story.title("I", "the penguins of 2007 and 2008: a search, a champion, a server")
    _first(story, loop)
    with loop.clients() as clients:
        story.title("II", "the penguins of 2009 arrive, while clients ask")
        _second(story, loop, clients)
        story.title("III", f"the clients' scale begins to show {SCALE_ERROR:.0f} g too much")
        _third(story, loop)
    answered = ", ".join(f"{count} by version {version}" for version, count in sorted(clients.since(0).items()))
    story.say(f"{len(clients.answers)} requests answered ({answered}), {len(clients.failures)} failed")
    return clients.failures


def _first(story: Story, loop: Loop) -> None:
    story.say("kubectl apply: 224 penguins, and manifests/examples/loop")
    loop.begin()
    loop.serves(1)
    loop.succeeded(loop.run("fresh"))


def _second(story: Story, loop: Loop, clients: Clients) -> None:
    loop.until("answers", lambda: len(clients.answers) > 50, 60)
    loop.inputs("True")
    story.say("kubectl apply: 120 penguins more; nothing else is done")
    loop.a_year_later()
    run = loop.run("fresh", 2)
    loop.serves(2)
    loop.succeeded(run)
    latest = (story.kube.get("dataset", SCORED) or {})["status"]["latest"]
    story.say(f"the batch is scored: {latest}")


def _third(story: Story, loop: Loop) -> None:
    loop.inputs("True")
    story.say("the scale breaks; nothing else is done")
    loop.break_the_scale()
    loop.inputs("False")
    run = loop.run("shifted")
    story.say("somebody reads it, and repairs the scale")
    loop.repair_the_scale()
    loop.succeeded(run)
    loop.serves(3)
    loop.inputs("True")
