"""Checks that each function in the table of subcommands exists and takes the task that the table names."""

from __future__ import annotations

import inspect

import pytest

from modelyard_runtime.__main__ import main
from modelyard_runtime.table import COMMANDS, load


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_a_function_of_its_task_and_the_store(name: str) -> None:
    command = COMMANDS[name]
    first, second, *_ = inspect.signature(load(command.function)).parameters.values()
    assert (first.annotation, second.annotation) == (command.task.__name__, "ArtifactStore")
    if command.waits:
        assert callable(load(command.waits))


def test_help_tells_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"{name} " in shown and command.summary in shown for name, command in COMMANDS.items())
