"""Checks what a person sees of commands that run for long, that fail, or that are not installed."""

from pathlib import Path

import pytest

from tests.common.say import CannotRun, exit_code, run, run_slow


def test_a_slow_command_says_its_last_line_without_colours_and_redrawn_text(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = r"printf '\033[1mone\033[0m\n10 %%\r20 %%\n\n'; while [ ! -e seen ]; do sleep 0.1; done; exit 3"
    log = tmp_path / "logs/slow.log"

    def stop(text: str) -> None:
        (tmp_path / "seen").touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr("tests.common.say.FIRST", 0.5)
        patch.setattr("tests.common.say.say", lambda text: (print(text), stop(text)))
        with pytest.raises(CannotRun, match=r"slow: 'sh -c .* failed with exit code 3 \(.*slow\.log\):\none\n20 %$"):
            run_slow("slow", ["sh", "-c", script], log)
    assert capfd.readouterr().out.endswith(" s, now 20 %\n")


def test_nothing_is_said_of_what_is_quick(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_slow("quick", ["true"], tmp_path / "log", quiet=60)
    assert capfd.readouterr().err == ""
    run_slow("quick", ["true"], tmp_path / "log")
    assert "quick: done after 0 s" in capfd.readouterr().err


@pytest.mark.parametrize("env", [None, {"PATH": "/nowhere"}])
def test_what_is_not_installed_is_named(env: dict[str, str] | None, tmp_path: Path) -> None:
    program = "sh" if env else "no-such-program"
    for command in (lambda: run([program], env=env), lambda: run_slow("it", [program], tmp_path / "log", env=env)):
        with pytest.raises(CannotRun, match=f"^{program} is not installed: install it and run this again"):
            command()


def test_an_error_is_a_sentence_and_an_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code(lambda: run(["sh", "-c", "echo no >&2; exit 2"])) == 1
    assert capfd.readouterr().err == "error: 'sh -c echo no >&2; exit 2' failed with exit code 2:\nno\n"
