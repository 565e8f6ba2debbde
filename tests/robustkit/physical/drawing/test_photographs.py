import numpy as np

from robustkit.physical.drawing.catalogue import CLASSES
from robustkit.physical.drawing.photographs import photographs


def test_classes_come_in_turn():
    images, labels = photographs(30, 4, 0)
    assert images.shape == (4, 32, 32, 3)
    assert images.dtype == np.uint8
    assert [CLASSES[label] for label in labels] == ["danger", "pedestrian crossing", "stop", "yield"]


def test_an_image_depends_on_its_id_and_the_seed_alone():
    many, _ = photographs(0, 20, 0)
    assert np.abs(photographs(16, 1, 0)[0][0].astype(int) - many[16]).mean() < 1
    assert np.abs(photographs(16, 1, 1)[0][0].astype(int) - many[16]).mean() > 10


def test_the_size_may_be_given():
    assert photographs(0, 1, 0, size_px=48)[0].shape == (1, 48, 48, 3)
