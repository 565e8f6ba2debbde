"""The output files of a bench."""

from __future__ import annotations

from pathlib import Path

from robustkit.benchmarks.bench.markdown import markdown
from robustkit.benchmarks.bench.result import Bench
from robustkit.files import write_text


def save(bench: Bench, folder: Path) -> list[Path]:
    """Write ``bench.json`` and the Markdown table ``bench.md``; return their paths.

    Raises
    ------
    UsageError
        If the folder cannot be written.
    """
    texts = {"bench.json": bench.model_dump_json(indent=2) + "\n", "bench.md": markdown(bench)}
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]
