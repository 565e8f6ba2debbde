import numpy as np
import pytest
import torch

from robustkit import UsageError
from robustkit.arrays import as_tensor


def test_a_tensor_is_itself_and_an_array_keeps_its_type():
    x = torch.rand(2, 3)
    assert as_tensor(x, "images") is x
    assert as_tensor(np.ones((2, 2)), "images").dtype == torch.float64
    assert as_tensor([[0.5, 1]], "images").dtype == torch.float32
    assert as_tensor([3, 1], "labels").dtype == torch.int64
    assert as_tensor(np.array([3, 1], dtype=np.uint16), "labels").tolist() == [3, 1]


def test_arrays_that_torch_does_not_take_as_they_are():
    odd = np.arange(6.0).astype(">f4")[::-1]
    odd.flags.writeable = False
    assert as_tensor(odd, "images").tolist() == [5, 4, 3, 2, 1, 0]
    assert torch.equal(as_tensor([torch.zeros(2), torch.ones(2)], "images"), torch.tensor([[0.0, 0], [1, 1]]))


@pytest.mark.parametrize("wrong", ["cat", ["cat"], [[1, 2], [3]], [torch.zeros(2), torch.zeros(3)], None, {"a": 1}, [1j]])
def test_what_holds_no_numbers_is_one_sentence(wrong):
    with pytest.raises(UsageError, match=r"labels are a .* NumPy array"):
        as_tensor(wrong, "labels")


ODD = {
    "sparse_coo": torch.Tensor.to_sparse,
    "sparse_csr": torch.Tensor.to_sparse_csr,
    "meta": lambda x: x.to("meta"),
    "nested": lambda x: torch.nested.nested_tensor([x, x[:1]]),
    "jagged": lambda x: torch.nested.nested_tensor([x, x[:1]], layout=torch.jagged),
    "quantised": lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.quint8),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ODD)
def test_a_tensor_without_one_value_a_place_is_one_sentence(kind):
    with pytest.raises(UsageError, match=f"images are a {kind} tensor: give a dense tensor"):
        as_tensor(ODD[kind](torch.rand(2, 3)), "images")


def test_a_list_of_such_tensors_is_no_better():
    with pytest.raises(UsageError, match="images are a meta tensor"):
        as_tensor([torch.rand(2, 3, device="meta")] * 2, "images")
