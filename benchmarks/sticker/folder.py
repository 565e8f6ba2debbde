"""The folder of a sticker's run: what was asked, the sticker, the records, the summary."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from pydantic import ValidationError
from torch import Tensor

from robustkit.benchmarks.sticker.records import read_frames, write_frames
from robustkit.benchmarks.sticker.report.page import PHOTOGRAPHED, RENDERED, write_report
from robustkit.benchmarks.sticker.scoring import Frame
from robustkit.benchmarks.sticker.summary import StickerSummary
from robustkit.errors import EvidenceError, UsageError, did_you_mean, first_line
from robustkit.files import atomic, make_folder, must_be_regular, refuse_links, write_text
from robustkit.physical.sticker import Sticker

PARTS = (
    "run.json",
    "summary.json",
    "sticker.safetensors",
    "printed.safetensors",
    "sticker.png",
    "records",
    RENDERED,
    PHOTOGRAPHED,
)


@dataclass(frozen=True)
class StickerFolder:
    """A run folder.

    Parameters
    ----------
    path
        Where it is.
    """

    path: Path

    def open(self, asked: Mapping[str, Any]) -> bool:
        """Start the run that `asked` describes; true if it has already finished.

        Raises
        ------
        UsageError
            If the folder contains links or another run, or cannot be written.
        """
        make_folder(self.path)
        refuse_links(self.path, PARTS)
        before, digest = self._json("run.json"), _digest(asked)
        if before is None and any(self.path.iterdir()):
            raise UsageError(f"{self.path} contains files but no run of a sticker: choose another -o")
        if before is not None and before.get("digest") != digest:
            changed = [key for key, value in asked.items() if before.get("asked", {}).get(key) != json.loads(json.dumps(value))]
            raise UsageError(
                f"{self.path} contains another run ({', '.join(changed) or 'of another kind'} differs): choose another -o, or repeat "
                "its command"
            )
        if before is not None and before.get("status") == "complete":
            return True
        self._write_run(asked, "running")
        return False

    def finish(
        self,
        asked: Mapping[str, Any],
        sticker: Sticker,
        printed: Sticker,
        frames: Sequence[Frame],
        pictures: Mapping[str, Tensor],
        summary: StickerSummary,
    ) -> None:
        """Write all results of a run, its report, and that it is complete."""
        sticker.save(self.path / "sticker.safetensors")
        printed.save(self.path / "printed.safetensors")
        self._write_picture("sticker.png", sticker.texture, sticker.alpha)
        self._write_pictures(RENDERED, pictures)
        write_frames(self.path / "records" / f"{RENDERED}.parquet", frames)
        self._write_summary(summary)
        write_report(self.path, summary, frames)
        self._write_run(asked, "complete")

    def add_photographs(self, frames: Sequence[Frame], pictures: Mapping[str, Tensor], summary: StickerSummary) -> None:
        """Add scored photographs to a finished run and write its report again."""
        rendered = self.rendered()
        self._write_pictures(PHOTOGRAPHED, pictures)
        write_frames(self.path / "records" / f"{PHOTOGRAPHED}.parquet", frames)
        self._write_summary(summary)
        write_report(self.path, summary, rendered, frames)

    def check(self) -> dict[str, Any]:
        """What was asked of a finished run. Raises `UsageError` if there is none."""
        if not self.path.is_dir():
            near = [str(each) for each in self.path.parent.glob("*") if (each / "sticker.safetensors").is_file()]
            hint = did_you_mean(str(self.path), near) if near else "make one with robustkit sticker optimise … -o FOLDER"
            raise UsageError(f"run {self.path} does not exist: {hint}")
        refuse_links(self.path, PARTS)
        found = self._json("run.json")
        if found is None or found.get("status") != "complete" or not isinstance(found.get("asked"), dict):
            raise UsageError(
                f"{self.path} contains no finished run of a sticker: pass the -o of robustkit sticker optimise, or run that again"
            )
        asked: dict[str, Any] = found["asked"]
        if found.get("digest") != _digest(asked):
            raise EvidenceError(f"{self.path / 'run.json'} was changed after it was written: run the same command again")
        return asked

    def sticker(self) -> Sticker:
        """The sticker as it is sent to the printer."""
        self.check()
        return Sticker.load(self.path / "sticker.safetensors")

    def rendered(self) -> list[Frame]:
        """The records of the renderings."""
        return read_frames(self.path / "records" / f"{RENDERED}.parquet")

    def summary(self) -> StickerSummary:
        """The summary. Raises `UsageError` if there is none."""
        self.check()
        try:
            return StickerSummary.model_validate_json((self.path / "summary.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise UsageError(
                f"{self.path / 'summary.json'} cannot be read ({first_line(error)}): run the same command again"
            ) from None

    def _write_run(self, asked: Mapping[str, Any], status: str) -> None:
        content = {
            "status": status,
            "asked": dict(asked),
            "digest": _digest(asked),
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("robustkit", "torch", "numpy", "pillow")},
            },
            "hardware": {"machine": platform.machine(), "system": platform.system()},
        }
        write_text(self.path / "run.json", json.dumps(content, indent=2) + "\n")

    def _write_summary(self, summary: StickerSummary) -> None:
        write_text(self.path / "summary.json", summary.model_dump_json(indent=2) + "\n")

    def _write_pictures(self, folder: str, pictures: Mapping[str, Tensor]) -> None:
        for name, image in pictures.items():
            self._write_picture(f"{folder}/{Path(name).stem}.png", image)

    def _write_picture(self, name: str, image: Tensor, alpha: Tensor | None = None) -> None:
        pixels = image if alpha is None else torch.cat([image, alpha])
        array = (255 * pixels.detach().cpu().clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()
        with atomic(self.path / name) as partial:
            Image.fromarray(np.ascontiguousarray(array)).save(partial, format="PNG")

    def _json(self, name: str) -> dict[str, Any] | None:
        path = self.path / name
        try:
            must_be_regular(path)
            found = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def _digest(asked: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
