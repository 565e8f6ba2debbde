"""A run on disk: its configuration, its status, and access to its files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from robustkit.benchmarks.planning.cell import FORMAT, digest_of
from robustkit.benchmarks.planning.manifest import Manifest
from robustkit.benchmarks.summary import Summary
from robustkit.errors import EvidenceError, UnfinishedError, UsageError
from robustkit.files import make_folder, must_be_regular, refuse_links, write_text

#: Entries of a run folder that are read back.
PARTS = ("run.json", "summary.json", "verdict.json", "samples.parquet", "records", "adversarial", "patches", "corruption")


@dataclass(frozen=True)
class Run:
    """A run folder.

    Parameters
    ----------
    folder
        Its path.
    """

    folder: Path

    @cached_property
    def report(self) -> Summary:
        """The summary and verdict as stored in the files; `judge_run` recomputes them from the records.

        Raises
        ------
        UsageError
            If the folder contains no finished run, or contains links.
        """
        refuse_links(self.folder, PARTS)
        self._check_finished("summary.json")
        try:
            return Summary.model_validate({**self.read_json("summary.json"), **self.read_json("verdict.json")})
        except ValueError as error:
            raise UsageError(
                f"{self.folder} contains no readable summary.json and verdict.json ({str(error).splitlines()[0]}): robustkit report "
                "recomputes the verdict, running the same audit again recomputes both"
            ) from None

    @property
    def summary(self) -> dict[str, Any]:
        """The contents of summary.json and verdict.json."""
        return self.report.model_dump(mode="json")

    def manifest(self) -> Manifest:
        """The contents of run.json of a finished run.

        Raises
        ------
        RobustkitError
            If the folder contains no run, or one that is unfinished, from another version, or modified.
        """
        refuse_links(self.folder, PARTS)
        self._check_finished("run.json")
        path, found = self.folder / "run.json", self.settings()
        resolved = found.get("resolved")
        if not isinstance(resolved, dict):
            raise UsageError(f"{path} cannot be read: run the same audit again to rewrite it")
        if resolved.get("format") != FORMAT:
            raise UsageError(
                f"{self.folder} was made by another version of robustkit with another record format: run the audit again"
            )
        if found.get("status") != "complete":
            how = "is still running, or was killed" if found.get("status") == "running" else "did not finish"
            raise UnfinishedError(f"the run in {self.folder} {how}: wait for it, or run the same audit again, which resumes it")
        try:
            if found.pop("digest", None) != digest_of(found):
                raise EvidenceError(f"{path} was changed after it was written: run the same audit again")
            return Manifest.model_validate_json(json.dumps(found))
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"{path} cannot be read ({str(error).splitlines()[0]}): run the audit again with another -o"
            ) from None

    def _check_finished(self, name: str) -> None:
        if not (self.folder / name).is_file():
            hint = "run the same audit again to finish it" if (self.folder / "run.json").exists() else "pass the -o of an audit"
            raise UsageError(f"{self.folder} contains no finished run (no {name}): {hint}")

    @property
    def exit_code(self) -> int:
        """The exit code of the verdict."""
        return self.report.exit_code

    def settings(self) -> dict[str, Any]:
        """The contents of run.json; empty if there is none."""
        return self.read_json("run.json")

    def read_json(self, name: str) -> dict[str, Any]:
        """The contents of a JSON file of the run; empty if it is missing or unreadable."""
        try:
            must_be_regular(self.folder / name)
            loaded = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return loaded if isinstance(loaded, dict) else {}

    def open(self, settings: dict[str, Any]) -> None:
        """Start or continue the run that `settings["resolved"]` describes.

        Raises
        ------
        UsageError
            If the folder contains links or a run with another configuration, or cannot be written.
        """
        make_folder(self.folder)
        refuse_links(self.folder, PARTS)
        before = self.settings()
        now = json.loads(json.dumps(settings, default=str))
        known = before.get("resolved")
        if isinstance(known, dict) and known:
            differing = [key for key in now["resolved"] if known.get(key) != now["resolved"][key]]
            if set(differing) - {"limit"}:  # another limit that selects the same samples is the same run
                key = differing[0]
                raise UsageError(
                    f"{self.folder} contains a run with another configuration ({key.replace('_', ' ')} was {brief(known.get(key))}, "
                    f"now {brief(now['resolved'][key])}): choose another -o, or delete that folder"
                )
        if isinstance(before.get("created"), str):
            now["created"] = before["created"]
        self.forget()
        self._save({**now, "status": "running"})

    def update(self, settings: dict[str, Any]) -> None:
        """Add entries to run.json."""
        self._save({**self.settings(), **settings})

    def forget(self) -> None:
        """Remove the verdict before it is recomputed."""
        try:
            (self.folder / "verdict.json").unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"cannot remove {self.folder / 'verdict.json'}: {error.strerror}") from None

    def _save(self, settings: dict[str, Any]) -> None:
        plain = json.loads(json.dumps({key: value for key, value in settings.items() if key != "digest"}, default=str))
        self.write_json("run.json", {**plain, "digest": digest_of(plain)})

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file of the run atomically."""
        write_text(self.folder / name, json.dumps(value, indent=2, default=str) + "\n")

    def close(self, status: str) -> None:
        """Record the final status of the run."""
        self.update({"status": status})


def brief(value: Any) -> str:
    """A value as shown in a message, truncated to 60 characters."""
    text = json.dumps(value, default=str).strip('"')
    return text if len(text) <= 60 else text[:57] + "…"


def run_name(parts: list[Any]) -> str:
    """The default folder name of a run: readable and determined by the configuration."""
    import re

    readable = re.sub(r"[^A-Za-z0-9.]+", "-", str(parts[0])).strip("-")
    return f"{readable}-{digest_of(parts)[:8]}"
