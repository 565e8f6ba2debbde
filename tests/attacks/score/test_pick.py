import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.attacks.score.pick import pick


@given(
    one=st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=4, max_size=4),
    other=st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=4, max_size=4),
)
def test_it_is_where_to_the_last_bit(one, other):
    mask = torch.tensor([True, False, True, False])
    one, other = torch.tensor(one), torch.tensor(other)
    assert torch.equal(pick(mask, one, other), torch.where(mask, one, other))
    assert torch.equal(pick(mask.float(), one, other), torch.where(mask, one, other))


def test_the_mask_broadcasts():
    mask = torch.tensor([True, False])[:, None, None, None]
    one, other = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    assert torch.equal(pick(mask, one, other), torch.cat([one[:1], other[1:]]))
