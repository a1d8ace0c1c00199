"""Tells who is there by the folder of tokens: a person's name on the cursor, and out when the token is taken away."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, User
from traitlets import Unicode

from modelyard_workspace.tokens import hashed, owner, tokens

PROBE = "Modelyard-readiness"
"""The user as which the entrypoint asks whether the server takes part in edits. Nobody has that name: those of people
have no capitals."""


class FolderIdentityProvider(IdentityProvider):
    """The base class has one token for all people, and trusts its cookie for a month."""

    folder = Unicode(help="The folder with a file for each person, which holds the token.").tag(config=True)
    probe = Unicode(help="The hash of the entrypoint's token. Kernels can read it, and learn nothing.").tag(config=True)

    def _known(self) -> dict[str, str]:
        return tokens(Path(self.folder)) | {PROBE: self.probe}

    def user_for_token(self, token: str | None) -> User | None:
        name = owner(token, self._known()) if token else None
        return User(name) if name else None

    async def get_user_token(self, handler: Any) -> User | None:
        return self.user_for_token(self.get_token(handler))

    def process_login_form(self, handler: Any) -> User | None:
        return self.user_for_token(handler.get_argument("password", default=""))

    def user_to_cookie(self, user: User) -> str:
        # Bound to the token: another one, or none, ends the login at once.
        return f"{user.username}:{hashed(self._known().get(user.username, ''))}"

    def user_from_cookie(self, cookie_value: str) -> User | None:
        name, _, given = cookie_value.partition(":")
        hash_ = self._known().get(name)
        return User(name) if hash_ and hmac.compare_digest(given, hashed(hash_)) else None
