from robustkit.physical.drawing import colours


def test_every_colour_is_srgb():
    found = [value for name, value in vars(colours).items() if name.isupper()]
    assert len(found) == 5
    assert all(len(colour) == 3 and min(colour) >= 0 and max(colour) <= 1 for colour in found)


def test_colours_are_what_their_names_say():
    assert colours.RED[0] > 3 * max(colours.RED[1:])
    assert colours.BLUE[2] > 1.5 * max(colours.BLUE[:2])
    assert min(colours.WHITE) > 0.9 > 0.1 >= max(colours.BLACK)
