"""Texts as programs write them, with a credential in it, for Hypothesis: no message may quote the credential."""

from __future__ import annotations

import base64
import json
import string
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

_PLAIN = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Leak:
    """A text, and what nobody may find in what is made of it."""

    text: str
    secret: str

    def told(self, *outputs: str) -> None:
        """Fails if an output has the secret, or a great part of it."""
        parts = {self.secret, self.secret[: len(self.secret) * 2 // 3], self.secret[len(self.secret) // 3 :]}
        for output in outputs:
            assert not any(part in output for part in parts), f"{self.secret!r} of {self.text!r} is in {output!r}"


def secrets(more: str = "-_.~", least: int = 12) -> Any:
    """Draws secrets whose parts stand in no other text: Hypothesis likes to draw words of the program."""
    return st.text(_PLAIN + more, min_size=least, max_size=40).map(lambda text: f"Zq9{text}9qZ")


def _basic(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


@st.composite
def leaks(draw: Any, lines: bool = True) -> Leak:
    """Draws a text of one or more ``lines`` with a credential in a form that is known, amid other words."""
    user = draw(st.sampled_from(("", "git", "kim", "oauth2", "x-access-token", "me%40acme.org")))
    host = draw(st.sampled_from(("example.com", "git.example.com:8443", "127.0.0.1:5000", "[::1]:8080")))
    scheme = draw(st.sampled_from(("https", "http", "git+https", "ssh", "s3", "postgresql", "HTTPS")))
    part, word, odd = draw(secrets("-_")), draw(secrets()), draw(secrets("-_.~!$*+%:/=&?#@"))
    query = draw(st.sampled_from(("token", "access_token", "X-Amz-Signature", "sig", "key", "private_token", "code")))
    name = draw(st.sampled_from(("password", "PASSWORD", "DB_PASSWORD", "token", "GITHUB_TOKEN", "client_secret")))
    header = draw(st.sampled_from(("Authorization", "authorization", "Proxy-Authorization")))
    kind = draw(st.sampled_from(("Bearer", "bearer", "token")))
    basic = _basic(user or "git", odd)
    keys = [
        (f"{header}: {kind} {word}", word),
        (f"{header}: Basic {basic}", basic),
        (json.dumps({header: f"{kind} {word}"}), word),
        (repr({header: f"Basic {basic}"}), basic),
        (f"the token was Bearer {word}", word),
        (f"X-Api-Key: {word}", word),
        (f"PRIVATE-TOKEN: {word}", word),
        (json.dumps({name: odd}), odd),
        (repr({name: word}), word),
        (f"{name}={word}", word),
        (f'{name} = "{odd}"', odd),
        (f"-e {name}={word} --verbose", word),
    ]
    urls = [
        (f"{scheme}://{user}:{odd}@{host}/acme/x.git", odd),
        (f"{scheme}://{word}@{host}/acme/x.git", word),
        (f"{user or 'kim'}:{word}@{host.split(':')[0] if '[' not in host else 'host'}/simple", word),
        (f"{scheme}://{host}/simple?{query}={word}&page=2", word),
        (f"{scheme}://{host}/x?page=2&{query}={odd}", odd),
        (f"{scheme}://{host}/callback#access_token={word}", word),
    ]
    known = [(f"ghp_{'a1B2' * 9}", f"ghp_{'a1B2' * 9}"), (f"eyJ{part}.eyJ{part}.{part}", part)]
    shapes = [*keys, *urls, *known]
    if lines:
        body = "\n".join(draw(st.lists(st.text(_PLAIN + "+/", min_size=40, max_size=64), min_size=2, max_size=5)))
        pem = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
        shapes += [(pem, body.splitlines()[0]), (json.dumps({"key": pem}), body.splitlines()[-1])]
        shapes += [(f"Set-Cookie: session={word}; Path=/", word), (f"cookie: a=b; session={word}", word)]
    text, secret = draw(st.sampled_from(shapes))
    separators = (" ", "\n", "'", "(", ") ", '"') if lines else (" ", " ", "(")
    before, after = draw(st.sampled_from(separators)), draw(st.sampled_from((" ", "\n") if lines else (" ",)))
    start = draw(st.sampled_from(("", "fatal: unable to access", "ERROR: no such thing:", "x" * 280)))
    return Leak(f"{start}{before}{text}{after}{draw(st.sampled_from(('', 'failed', 'The requested URL')))}", secret)
