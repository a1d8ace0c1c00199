"""The three acts: a loop that nobody starts by hand, told with the cause of each step."""

from __future__ import annotations

from collections.abc import Callable

from tests.demo.story import Story
from tests.support.clients import Clients
from tests.support.infer import labels
from tests.support.kube import Object
from tests.support.loop import SCALE_ERROR, Loop
from tests.support.mainjob import GENTOO

SEARCHING, ROLLING_OUT, SHIFTED = "a sweep runs", "a version is rolled out", "a shift was found"


class Acts:
    """The acts in the story's namespace. ``moment`` is called in each, when it matters most that nothing breaks."""

    def __init__(self, story: Story, moment: Callable[[str], None] = lambda name: None) -> None:
        self.story, self.loop, self._moment = story, Loop(story.kube, story.until), moment
        self._version = 0

    def play(self) -> Clients:
        """Plays all of them, and returns the clients that have asked from the end of the first one on."""
        self.first()
        with self.loop.clients() as clients:
            self.second(clients)
            self.third()
        answers = ", ".join(f"{count} by version {version}" for version, count in sorted(clients.since(0).items()))
        self.story.say(f"{len(clients.answers)} requests were answered, {answers}; {len(clients.failures)} failed")
        return clients

    def first(self) -> None:
        self.story.title("Act I", "from a table to a server")
        self.story.say("kubectl apply: the penguins of 2007 and 2008, and manifests/examples/loop")
        self.loop.begin()
        run = self.loop.run("fresh")
        self.loop.started(run, "search")
        self._moment(SEARCHING)
        self._served(run)
        _, answer = self.loop.job.infer([GENTOO])
        self.story.say(f"POST /v2/models/species/infer -> {labels(answer)[0]} (version {answer['model_version']})")

    def second(self, clients: Clients) -> None:
        self.story.title("Act II", "new rows, while clients ask")
        self.story.say("kubectl apply: the penguins of 2009 too; nothing else is done")
        self.loop.a_year_later()
        run = self.loop.run("fresh", 2)
        self.loop.rolls_out(self._version)
        self._moment(ROLLING_OUT)
        self._served(run)
        asked = len(clients.answers)
        self.story.until("answers of version 2", lambda: len(clients.answers) > asked + 20, 60)

    def third(self) -> None:
        self.story.title("Act III", "what clients ask shifts")
        self.loop.inputs("True")
        self.story.say(f"the clients' scale begins to show {SCALE_ERROR:.0f} g too much; nothing else is done")
        self.loop.break_the_scale()
        self.loop.inputs("False")
        self._moment(SHIFTED)
        run = self.loop.run("shifted")
        self.story.say("the clients repair their scale")
        self.loop.repair_the_scale()
        self._served(run)
        self.loop.inputs("True")

    def _served(self, run: Object) -> None:
        """Waits until the version that the run has made serves, and has scored the table."""
        self._version = self.loop.made(run)
        self.loop.serves(self._version)
        self.loop.scored(self._version)
