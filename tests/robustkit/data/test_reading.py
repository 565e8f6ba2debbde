import dataclasses
import inspect

from robustkit.data import load_data
from robustkit.data.reading import Reading


def test_every_choice_is_an_option_of_load_data_and_the_cautious_one_unless_said():
    options = inspect.signature(load_data).parameters
    for field in dataclasses.fields(Reading):
        assert options[field.name].default == field.default is False
