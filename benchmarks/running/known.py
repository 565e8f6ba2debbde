"""The adversarial images that finished cells found, read back for an attack that makes them nearer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from robustkit.benchmarks.running.records import Column
from robustkit.benchmarks.running.work import Work
from robustkit.errors import EvidenceError
from robustkit.shrinking import Known


def known_images(work: Work, cells: Sequence[str], shard: str, ids: Column) -> Known:
    """One verified adversarial image for each of these samples of a shard, on the CPU; the last cell's that has one.

    Raises
    ------
    EvidenceError
        If a sample's image is missing or damaged.
    """
    found: dict[int, tuple[Tensor, float, float]] = {}
    for cell in cells:
        rows, path = work.finished(cell, shard), work.images_at(cell, shard)
        hits = rows.where(rows["verified"].astype(bool) & np.isin(rows["sample_id"], ids))
        if not len(hits):
            continue
        try:
            kept = load_file(path)
            images = dict(zip(kept["sample_id"].tolist(), kept["x_adv"], strict=True))
            margins = zip(hits["sample_id"].tolist(), hits["margin"], hits["clean_margin"], strict=True)
            found |= {i: (images[i], float(there), float(clean)) for i, there, clean in margins}
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise EvidenceError(f"{path} was removed or damaged during the run: run the same audit again") from error
    x_adv, there, clean = zip(*(found[int(i)] for i in ids), strict=True)
    # Records hold the label's lead, the attack wants the attacker's.
    return Known(x_adv=torch.stack(x_adv), margin=-torch.tensor(there), clean_margin=-torch.tensor(clean))
