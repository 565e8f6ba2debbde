import inspect
from dataclasses import fields
from typing import get_args

from robustkit.cli import audit, bench, listing, train
from robustkit.cli.options import Mark, kind_of
from robustkit.cli.reading import LinkOptions, ReadingOptions
from robustkit.data import load_data
from robustkit.data.reading import ClassOrder, Reading


def test_they_are_what_load_data_takes_with_its_defaults():
    taken = inspect.signature(load_data).parameters
    assert ReadingOptions.model_fields.keys() == taken.keys() - {"name", "limit", "seed"}
    assert ReadingOptions.model_fields.keys() == {field.name for field in fields(Reading)} | {"class_order"}
    for name, value in ReadingOptions().model_dump().items():
        assert value == taken[name].default
    assert get_args(kind_of(ReadingOptions.model_fields["class_order"])) == get_args(ClassOrder)


def test_a_configuration_that_was_only_found_lets_data_lead_nowhere():
    assert Mark.CODE in LinkOptions.model_fields["follow_links"].metadata


def test_every_command_that_reads_data_has_them():
    for kind in (audit.AuditOptions, bench.BenchOptions, train.TrainOptions, train.FinetuneOptions, train.HardenOptions):
        assert issubclass(kind, ReadingOptions)
    assert "follow_links" in inspect.signature(listing.data_show).parameters
