"""What the operator and the entrypoint of a Workspace agree on: places in the pod, and what the pod says of itself."""

from __future__ import annotations

from pydantic import Field

from modelyard_api.fields.base import Model

VOLUME, PEOPLE_FOLDER = "/home", "/modelyard/people"
"""Where the volume is mounted, and the tokens: a file for each person, which is absent without a token."""
HEALTH_PATH = "/healthz"


class Health(Model):
    """The answer at HEALTH_PATH, with status 200 once the server takes part in edits."""

    people: list[str] = Field(description="Who has a token.")
    problems: list[str] = Field(default_factory=list, description="What a person should know, in sentences.")
