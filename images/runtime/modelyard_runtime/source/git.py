"""Looks refs up and fetches one folder of one commit, with the git program."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from modelyard_api.kinds.pipelinesource import Git
from modelyard_api.wire.redact import redacted, secrets_in
from modelyard_api.wire.task import GIT_FOLDER, WORK_FOLDER
from modelyard_runtime.pod.errors import UserError

LOOK_SECONDS, FETCH_SECONDS = 60, 600
_ASKED = """#!/bin/sh
case "$1" in
Username*) cat %s/username 2>/dev/null || echo git ;;
*) cat %s/password ;;
esac
"""
"""Answers git's questions from the mounted Secret, so that nothing secret is in an argument or in the environment."""
_LFS = b"version https://git-lfs.github.com/spec/v1"
_POINTER = 1024
"""Bytes that no pointer of Git LFS exceeds."""
_DENIED = ("Authentication failed", "could not read Username", "could not read Password", "error: 401", "error: 403")


def look_up(git: Git) -> str:
    """Returns the commit of the ref: of the branch if there is a branch and a tag of that name. Raises UserError."""
    if git.ref.startswith("refs/"):
        names = [f"{git.ref}^{{}}", git.ref]
    else:
        names = [f"refs/heads/{git.ref}", f"refs/tags/{git.ref}^{{}}", f"refs/tags/{git.ref}"]
    lines = _git(git, LOOK_SECONDS, "ls-remote", git.url, *names).splitlines()
    known = {name: commit for commit, name in (line.split("\t", 1) for line in lines if "\t" in line)}
    for name in names:
        if name in known:
            return known[name]
    raise UserError(
        "RefNotFound", f"there is no branch or tag {git.ref!r} in {git.url}; push it, or correct it", "spec.git.ref"
    )


def fetch(git: Git, commit: str, to: Path) -> None:
    """Puts the folder ``git.path`` of the commit at ``to``. Raises UserError."""
    clone = Path(WORK_FOLDER, "clone")
    shutil.rmtree(clone, ignore_errors=True)  # of an earlier try
    shutil.rmtree(to, ignore_errors=True)
    path = git.path.strip("/")
    _git(git, FETCH_SECONDS, "init", "--quiet", str(clone))
    if path != ".":
        _git(git, FETCH_SECONDS, "-C", str(clone), "sparse-checkout", "set", "--no-cone", f"/{path}/")
    _git(git, FETCH_SECONDS, "-C", str(clone), "remote", "add", "origin", git.url)
    depth = ("--depth", "1", "--filter=blob:none", "--no-tags", "--no-recurse-submodules")
    _git(git, FETCH_SECONDS, "-C", str(clone), "fetch", "--quiet", *depth, "origin", commit)
    _git(git, FETCH_SECONDS, "-C", str(clone), "checkout", "--quiet", "--detach", "FETCH_HEAD")
    folder = clone / path
    if not folder.is_dir() or folder.is_symlink():
        raise UserError("PathNotFound", f"commit {commit[:12]} has no folder {git.path!r}; correct it", "spec.git.path")
    _refuse_submodules(git, clone, path)
    shutil.rmtree(clone / ".git")
    _check(folder)
    shutil.copytree(folder, to, symlinks=True)


def _refuse_submodules(git: Git, clone: Path, path: str) -> None:
    listed = _git(git, FETCH_SECONDS, "-C", str(clone), "ls-files", "--stage", "-z").split("\0")
    below = "" if path == "." else f"{path}/"
    names = [line.split("\t", 1)[1] for line in listed if line.startswith("160000 ")]
    if names := [name for name in names if name.startswith(below)]:
        raise UserError(
            "SubmodulesRefused", f"git submodules are not fetched, and there is {', '.join(names[:5])}; copy it in"
        )


def _check(folder: Path) -> None:
    """Raises UserError for what can't be bundled: links that lead out of the folder, and pointers of Git LFS."""
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_symlink():
            target = os.readlink(path)
            if os.path.isabs(target) or not (path.parent / target).resolve().is_relative_to(root):
                raise UserError("SymlinkRefused", f"the link {name} leads out of the folder, to {target}; delete it")
        elif path.is_file() and path.stat().st_size <= _POINTER and path.read_bytes().startswith(_LFS):
            raise UserError("LfsRefused", f"files of Git LFS are not fetched, and {name} is one; store it elsewhere")


def _git(git: Git, seconds: int, *arguments: str) -> str:
    """Runs git and returns its output. Raises UserError, whose reason says what may be wrong."""
    asked = Path(WORK_FOLDER, "askpass")
    asked.write_text(_ASKED % (GIT_FOLDER, GIT_FOLDER))
    asked.chmod(0o700)
    environment = {
        **{"PATH": os.environ["PATH"], "HOME": WORK_FOLDER, "LC_ALL": "C"},
        **{"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ALLOW_PROTOCOL": "http:https"},
        **{"GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "30", "GIT_TERMINAL_PROMPT": "0"},
        **({"GIT_ASKPASS": str(asked)} if git.secret_ref else {}),
    }
    try:
        ended = subprocess.run(
            ["git", "-c", "core.hooksPath=/dev/null", *arguments],
            **{"env": environment, "capture_output": True, "text": True, "errors": "replace"},
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError("GitUnavailable", f"{git.url} did not answer within {seconds} s", "spec.git.url") from error
    if ended.returncode == 0:
        return ended.stdout
    said = " ".join(redacted(ended.stderr, *secrets_in(Path(GIT_FOLDER))).split())[-600:]
    if any(word in said for word in _DENIED):
        message = f"{git.url} refuses to let us in: {said}; name a Secret with a valid password in git.secretRef"
        raise UserError("GitUnauthorized", message, "spec.git.secretRef")
    raise UserError("GitUnavailable", f"{git.url} can't be read: {said}", "spec.git.url")
