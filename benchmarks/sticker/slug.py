"""Names that become part of the names of files."""

from __future__ import annotations

import re

from robustkit.errors import UsageError, brief


def check_slug(what: str, name: str) -> None:
    """Raise `UsageError` unless a name has lower-case letters, digits and single hyphens only."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise UsageError(f"{what} {brief(name)} cannot be part of a file's name: use lower-case letters, digits and hyphens")
