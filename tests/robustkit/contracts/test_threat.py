import pytest

from robustkit import Threat, UsageError
from robustkit.registry import plugins


@pytest.mark.parametrize("text", ["linf:8/255", "l2:0.5,targeted", "l1:12,knowledge=score,queries=5000", "l0:10"])
def test_the_text_form_survives_a_round_trip(text):
    threat = Threat.parse(text)
    assert threat.id == text
    assert Threat.parse(threat.id) == threat


def test_sizes():
    assert Threat.parse("linf:8/255").eps == pytest.approx(8 / 255)
    assert Threat.parse("LINF:5%").eps == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lunf:1", "did you mean 'linf'"),
        ("linf", "has no size: write one like 'linf:0.04'"),
        ("linf:", "has no size"),
        ("linf:0", "must be above 0"),
        ("linf:-1", "must be above 0"),
        ("linf:abc", "is not a valid number"),
        ("linf:1/0", "is not a valid number"),
        ("linf:0.1,targetted", "did you mean 'targeted'"),
        ("linf:0.1,knowlege=score", "did you mean 'knowledge'"),
        ("linf:0.1,queries=many", "not a whole number"),
        ("linf:0.1,queries=0", "at least 1"),
        ("linf:0.1,goal=targeted,goal=untargeted", "sets 'goal' twice: omit one of them"),
        ("linf:0.1,targeted,untargeted", "sets 'goal' twice"),
        ("linf:0.1,targeted,goal=targeted", "sets 'goal' twice"),
        ("linf:0.1,queries=5, queries =6", "sets 'queries' twice"),
        ("spatial:30,translate=5%,translate=10%", "sets 'translate' twice"),
    ],
)
def test_wrong_text_gets_one_clear_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        Threat.parse(text)


@pytest.mark.parametrize("kind", plugins("threats"))
def test_the_size_that_a_message_proposes_is_one(kind):
    with pytest.raises(UsageError, match="write one like") as raised:
        Threat.parse(kind)
    assert Threat.parse(str(raised.value).split("'")[-2]).id.startswith(f"{kind}:")


@pytest.mark.parametrize(
    "text",
    [
        "l2:1e1000000000",
        "linf:1e309",
        "linf:" + "9" * 5000,
        "corruption:" + "3" * 5000,
        "linf:0.1,queries=" + "9" * 5000,
        "a" * 5000 + ":1",
        "linf:\udc80",
        "linf:0.1,\x00=1",
    ],
)
def test_odd_texts_are_one_short_sentence(text):
    with pytest.raises(UsageError) as caught:
        Threat.parse(text)
    assert len(str(caught.value)) < 400
