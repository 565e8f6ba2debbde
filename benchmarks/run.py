"""A run on disk: what was asked, what was resolved, and where the records lie."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from robustkit.benchmarks.cell import digest_of
from robustkit.benchmarks.summary import Summary
from robustkit.errors import UsageError
from robustkit.files import refuse_links, write_text

#: What is read back from a run folder.
PARTS = ("run.json", "summary.json", "verdict.json", "records", "adversarial", "patches", "corruption")


@dataclass(frozen=True)
class Run:
    """A run folder.

    Parameters
    ----------
    folder
        Where it lies.
    """

    folder: Path

    @cached_property
    def report(self) -> Summary:
        """The summary, typed.

        Raises
        ------
        UsageError
            If the folder holds no finished run, or links.
        """
        refuse_links(self.folder, PARTS)
        path = self.folder / "summary.json"
        if not path.is_file():
            hint = "run the same audit again to finish it" if (self.folder / "run.json").exists() else "give the -o of an audit"
            raise UsageError(f"{self.folder} holds no finished run (no summary.json): {hint}")
        try:
            return Summary.model_validate_json(path.read_text())
        except ValueError as error:
            raise UsageError(
                f"{path} cannot be read ({str(error).splitlines()[0]}): run the same audit again to make it anew"
            ) from None

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds."""
        return self.report.model_dump(mode="json")

    @property
    def exit_code(self) -> int:
        """The exit code of the verdict."""
        return self.report.exit_code

    def settings(self) -> dict[str, Any]:
        """What run.json holds; empty if there is none."""
        path = self.folder / "run.json"
        try:
            loaded = json.loads(path.read_text()) if path.is_file() else {}
        except (ValueError, RecursionError):
            return {}  # written anew by the audit that finds it
        return loaded if isinstance(loaded, dict) else {}

    def open(self, settings: dict[str, Any]) -> None:
        """Start or continue the run that `settings["resolved"]` describes.

        Raises
        ------
        UsageError
            If the folder holds a run of another configuration or links, or cannot be written.
        """
        refuse_links(self.folder, PARTS)
        before = self.settings()
        now = json.loads(json.dumps(settings, default=str))
        known = before.get("resolved")
        if isinstance(known, dict) and known:
            differing = [key for key in now["resolved"] if known.get(key) != now["resolved"][key]]
            if set(differing) - {"limit"}:  # another limit that leaves the same samples is the same run
                key = differing[0]
                raise UsageError(
                    f"{self.folder} holds a run of another configuration ({key.replace('_', ' ')} was {brief(known.get(key))}, "
                    f"now {brief(now['resolved'][key])}): choose another -o, or delete that folder"
                )
        if isinstance(before.get("created"), str):
            now["created"] = before["created"]
        self.write_json("run.json", {**now, "status": "running"})

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file of the run, whole or not at all."""
        write_text(self.folder / name, json.dumps(value, indent=2, default=str) + "\n")

    def close(self, status: str) -> None:
        """Note how the run ended."""
        self.write_json("run.json", {**self.settings(), "status": status})


def brief(value: Any) -> str:
    """A value as a message shows it: long digests by their first digits."""
    text = json.dumps(value, default=str).strip('"')
    return text if len(text) <= 60 else text[:57] + "…"


def run_name(parts: list[Any]) -> str:
    """A folder name for a run that was given none: readable, and the same for the same configuration."""
    import re

    readable = re.sub(r"[^A-Za-z0-9.]+", "-", str(parts[0])).strip("-")
    return f"{readable}-{digest_of(parts)[:8]}"
