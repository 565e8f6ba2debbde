"""Data loaders, which return labelled images for a name, read on demand."""

from robustkit.contracts.samples import Samples
from robustkit.data.base import Data
from robustkit.data.load import as_data, load_data

__all__ = ["Data", "Samples", "as_data", "load_data"]
