"""Takes credentials out of texts that other programs wrote, before they become a message, a result or a log line.

Each text is cleaned where it comes in: whoever quotes it later need not know what it may hold. It is cleaned before it
is cut, since half a credential is not found.
"""

from __future__ import annotations

import base64
import re
import string
from pathlib import Path
from urllib.parse import quote

HIDDEN = "***"
SHORTEST = 4
"""Length below which a known secret is not looked for: nothing could be quoted any more."""

_NAMES = (
    r"[\w.-]{0,40}?(?:pass(?:word|wd|phrase)?|pwd|token|secret|credentials?|api_?key|[_-]key(?:[_-]?id)?)"
    r"|sig(?:nature)?"
)
_QUOTED = r"\"(?:\\.|[^\"\\]){0,8192}\"|'(?:\\.|[^'\\]){0,8192}'|\\+\".{0,8192}?\\+\"|\\+'.{0,8192}?\\+'"
_START = r"(?:\b|(?<=\\[nrt]))"
"""Where a word begins: also after a line break that is written as in source code."""
_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        (r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\Z)", HIDDEN),
        # User and password without a scheme before them; a digest is none.
        (r"(?<![\w/.-])[^\s:/@'\"]{1,256}:[^\s/@'\"]{1,2048}@(?!sha256:)(?=\w)", f"{HIDDEN}@"),
        (_START + r"((?:set-)?cookie2?[\"']?\s*:)[^\r\n]*", rf"\1 {HIDDEN}"),
        (
            rf"{_START}((?:proxy-)?authorization|(?:x|private|proxy)-[\w-]{{0,40}}(?:token|key))(\\*[\"']?\s*[:=]\s*)"
            rf"(?:{_QUOTED}|(?:digest|negotiate|aws4\S*)[^\r\n]*|(?:\w+\s+)?[^\s,\"'}}]+)",
            rf"\1\2{HIDDEN}",
        ),
        (
            rf"(?:(?<![a-z0-9])|(?<=\\[nrt]))({_NAMES})(\s*={{1,2}}\s*|\\*[\"']\s*:\s*)"
            rf"(?:{_QUOTED}|[^\s&,;\"'}}]+)",
            rf"\1\2{HIDDEN}",
        ),
        (_START + r"bearer\s+[\w.~+/=-]+", f"Bearer {HIDDEN}"),
        (_START + r"(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|akia|eyj)[\w.-]{12,}", HIDDEN),
    )
)
_URL = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)([^\s'\"<>]+)", re.IGNORECASE)
_PORT = re.compile(r"[^/]*:\d{0,5}(?:/.*)?|\[[^\]]*\].*|[^:]*|[^:/]*/.*", re.DOTALL)
_END = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----", re.IGNORECASE)
_OF_KEYS = string.ascii_letters + string.digits + "+/=\\ \t\r\n"
_BASIC = re.compile(_START + r"(basic|token)\s+([\w.~+/=-]{6,})", re.IGNORECASE)


def redacted(text: str, *secrets: str) -> str:
    """Returns the text without what looks like a credential, and without these ``secrets`` in any form that programs
    send them in."""
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        # The colon tells the rules that what follows may be a password: a known user has none, or another one there.
        text = text.replace(form, f"{HIDDEN}:" if form.endswith(":") else HIDDEN)
    text = _URL.sub(lambda match: match[1] + _without_user(match[2]), text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    parts = _END.split(text)  # of a log the kubelet keeps the end alone, which may be that of a key
    text = HIDDEN.join([*(part.rstrip(_OF_KEYS) for part in parts[:-1]), parts[-1]])
    return _BASIC.sub(lambda match: f"{match[1]} {HIDDEN}" if _looks_random(match[2]) else match[0], text)


def secrets_in(folder: Path) -> tuple[str, ...]:
    """Returns what the files of a mounted Secret hold, and user and password as basic authorization joins them."""
    if not folder.is_dir():
        return ()
    texts = {path.name: path.read_text(errors="replace").strip() for path in folder.iterdir() if path.is_file()}
    user = texts.pop("username", "git")
    joined = [f"{user}:{texts['password']}"] if texts.get("password") else []
    return (*texts.values(), *joined)


def _without_user(rest: str) -> str:
    """Returns what follows a URL's scheme without user, password, query and fragment. Where a password may have the
    marks of another part all of it goes, as does what may be a password that was cut."""
    place, query = re.split(r"[?#]", rest, maxsplit=1)[0], re.search(r"[?#]", rest) is not None
    if "@" in rest:
        return HIDDEN if query else f"{HIDDEN}@{rest.rpartition('@')[2]}"
    return (place if _PORT.fullmatch(place) else HIDDEN) + (f"?{HIDDEN}" if query else "")


def _forms(secret: str) -> set[str]:
    """Returns a secret as it is, as in a URL, and in base64; of several lines also each line."""
    parts = {secret, *secret.split()} if len(secret.splitlines()) > 1 else {secret}
    forms = {form for part in parts for form in (part, quote(part), quote(part, safe=""))}
    forms.add(base64.b64encode(secret.encode()).decode())
    return {form for form in forms if len(form) >= SHORTEST}


def _looks_random(word: str) -> bool:
    """Whether a word after ``basic`` or ``token`` is none of a language."""
    return any(char.isdigit() or char in "+/=_~" for char in word) or not (word[1:].islower() or word[1:].isupper())
