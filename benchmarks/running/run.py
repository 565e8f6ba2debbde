"""A run on disk: what was asked, what was resolved, and where the records lie."""

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

#: What is read back from a run folder.
PARTS = ("run.json", "summary.json", "verdict.json", "samples.parquet", "records", "adversarial", "patches", "corruption")


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
        """The summary and its verdict, typed, as the files say. `judge_run` computes them from the records.

        Raises
        ------
        UsageError
            If the folder holds no finished run, or links.
        """
        refuse_links(self.folder, PARTS)
        self._check_finished("summary.json")
        try:
            return Summary.model_validate({**self.read_json("summary.json"), **self.read_json("verdict.json")})
        except ValueError as error:
            raise UsageError(
                f"{self.folder} holds no readable summary.json and verdict.json ({str(error).splitlines()[0]}): robustkit report "
                "makes the verdict anew, the same audit both"
            ) from None

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json and verdict.json hold."""
        return self.report.model_dump(mode="json")

    def manifest(self) -> Manifest:
        """What run.json holds of a finished run.

        Raises
        ------
        RobustkitError
            If the folder holds no run, or one that is not finished, of another version, or not as it was written.
        """
        refuse_links(self.folder, PARTS)
        self._check_finished("run.json")
        path, found = self.folder / "run.json", self.settings()
        resolved = found.get("resolved")
        if not isinstance(resolved, dict):
            raise UsageError(f"{path} cannot be read: run the same audit again to make it anew")
        if resolved.get("format") != FORMAT:
            raise UsageError(
                f"{self.folder} was made by another version of robustkit, and its records are of another kind: audit again"
            )
        if found.get("status") != "complete":
            how = "is still running, or was killed" if found.get("status") == "running" else "did not finish"
            raise UnfinishedError(f"the run in {self.folder} {how}: wait for it, or run the same audit again, which resumes it")
        try:
            if found.pop("digest", None) != digest_of(found):
                raise EvidenceError(f"{path} was changed after it was written: run the same audit again")
            return Manifest.model_validate_json(json.dumps(found))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path} cannot be read ({str(error).splitlines()[0]}): audit again into another -o") from None

    def _check_finished(self, name: str) -> None:
        if not (self.folder / name).is_file():
            hint = "run the same audit again to finish it" if (self.folder / "run.json").exists() else "give the -o of an audit"
            raise UsageError(f"{self.folder} holds no finished run (no {name}): {hint}")

    @property
    def exit_code(self) -> int:
        """The exit code of the verdict."""
        return self.report.exit_code

    def settings(self) -> dict[str, Any]:
        """What run.json holds; empty if there is none."""
        return self.read_json("run.json")

    def read_json(self, name: str) -> dict[str, Any]:
        """What a JSON file of the run holds; empty if there is none, or nothing that can be read."""
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
            If the folder holds a run of another configuration or links, or cannot be written.
        """
        make_folder(self.folder)
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
        self.forget()
        self._save({**now, "status": "running"})

    def update(self, settings: dict[str, Any]) -> None:
        """Note more of the run in run.json."""
        self._save({**self.settings(), **settings})

    def forget(self) -> None:
        """Remove the verdict, which is about to be computed anew."""
        try:
            (self.folder / "verdict.json").unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"cannot remove {self.folder / 'verdict.json'}: {error.strerror}") from None

    def _save(self, settings: dict[str, Any]) -> None:
        plain = json.loads(json.dumps({key: value for key, value in settings.items() if key != "digest"}, default=str))
        self.write_json("run.json", {**plain, "digest": digest_of(plain)})

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file of the run, whole or not at all."""
        write_text(self.folder / name, json.dumps(value, indent=2, default=str) + "\n")

    def close(self, status: str) -> None:
        """Note how the run ended."""
        self.update({"status": status})


def brief(value: Any) -> str:
    """A value as a message shows it: long digests by their first digits."""
    text = json.dumps(value, default=str).strip('"')
    return text if len(text) <= 60 else text[:57] + "…"


def run_name(parts: list[Any]) -> str:
    """A folder name for a run that was given none: readable, and the same for the same configuration."""
    import re

    readable = re.sub(r"[^A-Za-z0-9.]+", "-", str(parts[0])).strip("-")
    return f"{readable}-{digest_of(parts)[:8]}"
