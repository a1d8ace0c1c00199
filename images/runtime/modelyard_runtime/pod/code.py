"""Loads and calls a function of the user's, and tells errors in it by the line of the user's file."""

from __future__ import annotations

import builtins
import errno
import importlib
import importlib.util
import inspect
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelyard_api.wire.redact import redacted
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.pod.say import trace
from modelyard_runtime.pod.web import Unavailable

FAILED = "ScriptFailed"
Function = Callable[[Any], Any]


def load(file: Path, source: bytes, entry: str, field: str) -> Function:
    """Runs the module in ``source`` and returns its function ``entry``. Raises UserError.

    The module has the name of its file, so that worker processes, whose path has the folder too, find its functions.
    """
    name = file.stem if file.suffix == ".py" and _is_free(file.stem) else "modelyard_script"
    module = types.ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    add_path(file.parent)
    guarded(lambda: exec(compile(source, str(file), "exec"), vars(module)), file.parent, field)
    return function_of(module, entry, f"{field}.entry")


def load_from(folder: Path, entry: str, field: str) -> Function:
    """Returns the function of ``module:function``, imported from a folder on the path. Raises UserError."""
    name, _, function = entry.partition(":")
    if importlib.util.find_spec(name.partition(".")[0]) is None or not _file_of(folder, name):
        modules = (path.relative_to(folder).with_suffix("").parts for path in sorted(folder.rglob("*.py")))
        there = [".".join(part for part in parts if part != "__init__") for parts in modules]
        raise UserError("ScriptEntryNotFound", one_of(name, filter(None, there)), f"{field}.entry")
    module = guarded(lambda: importlib.import_module(name), folder, field)
    if not str(module.__file__).startswith(f"{folder}/"):
        message = f"{name!r} is a module of the runtime's, {module.__file__}, which is found first; rename yours"
        raise UserError("ScriptEntryNotFound", message, f"{field}.entry")
    return function_of(module, function, f"{field}.entry")


def _file_of(folder: Path, name: str) -> bool:
    path = folder.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def add_path(folder: Path) -> None:
    """Lets a folder's modules be imported, those of the runtime first: none of them is replaced."""
    sys.path.append(str(folder))
    importlib.invalidate_caches()


def function_of(module: types.ModuleType, entry: str, field: str) -> Function:
    """Returns a module's function of one argument. Raises UserError, which names the functions that there are."""
    function = getattr(module, entry, None)
    if not callable(function):
        own = [name for name, value in vars(module).items() if _is_own_function(value, module)]
        raise UserError("ScriptEntryNotFound", one_of(entry, own), field)
    try:
        inspect.signature(function).bind(None)
    except (TypeError, ValueError) as error:
        message = f"{entry}{_signature(function)} can't be called with the context alone; write def {entry}(context)"
        raise UserError("ScriptEntryNotFound", message, field) from error
    return function  # type: ignore[no-any-return]


def guarded(call: Callable[[], Any], folder: Path, field: str) -> Any:
    """Returns what ``call`` returns. Raises UserError for an error in the user's code, which lies in ``folder``.

    A tracking server that is away and a full disk are no errors in it.
    """
    try:
        return call()
    except Unavailable:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        trace()
        raise UserError(FAILED, f"{_place(error, folder)}: {_words(error)}"[:1500], field) from error


def _is_free(name: str) -> bool:
    """Returns whether no other module has this name, which the user's would hide."""
    return name.isidentifier() and name not in sys.modules and importlib.util.find_spec(name) is None


def _is_own_function(value: Any, module: types.ModuleType) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__


def _signature(function: Function) -> str:
    try:
        return str(inspect.signature(function))
    except ValueError:
        return ""


def _place(error: BaseException, folder: Path) -> str:
    """Returns file and line: of the text that is no Python, or of the last call in the user's own files."""
    if isinstance(error, SyntaxError) and str(error.filename).startswith(f"{folder}/"):
        return f"{Path(str(error.filename)).relative_to(folder)}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(f"{folder}/")]
    if not frames:
        return "while it was loaded"
    file, function = Path(frames[-1].filename).relative_to(folder), frames[-1].name
    inside = f", in {function}" if function != "<module>" else ""
    return f"{file}, line {frames[-1].lineno}{inside}"


def _words(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        line = redacted((error.text or "").strip())[:200]
        return f"{type(error).__name__}: {error.msg}" + (f": {line!r}" if line else "")
    kind = type(error)
    name = kind.__name__ if kind.__module__ == builtins.__name__ else f"{kind.__module__}.{kind.__name__}"
    text = " ".join(redacted(str(error)).split())
    return f"{name}: {text[:1000]}" if text else name
