import torch

from robustkit.losses import best_other, cross_entropy, cross_entropy_targeted, dlr, dlr_targeted, margin

LOGITS = torch.tensor([[4.0, 1.0, 3.0, 0.0], [1.0, 5.0, 2.0, 4.0]])
LABELS = torch.tensor([0, 0])


def test_margin_by_hand():
    assert margin(LOGITS, LABELS).tolist() == [1.0, -4.0]
    assert best_other(LOGITS, LABELS).tolist() == [3.0, 5.0]


def test_cross_entropies_are_log_probabilities():
    log = LOGITS.log_softmax(1)
    assert torch.allclose(cross_entropy(LOGITS, LABELS), -log[:, 0])
    assert torch.allclose(cross_entropy_targeted(LOGITS, torch.tensor([2, 2])), log[:, 2])


def test_dlr_by_hand():
    assert torch.allclose(dlr(LOGITS, LABELS), torch.tensor([-1 / 3, 4 / 3]))
    # 4 - (1 + 0) / 2 and 5 - (2 + 1) / 2
    assert torch.allclose(dlr_targeted(LOGITS, LABELS, torch.tensor([2, 3])), torch.tensor([-1 / 3.5, 3 / 3.5]))


def test_dlr_ignores_scale_and_shift():
    assert torch.allclose(dlr(10 * LOGITS - 7, LABELS), dlr(LOGITS, LABELS))
    targets = torch.tensor([2, 3])
    assert torch.allclose(dlr_targeted(10 * LOGITS - 7, LABELS, targets), dlr_targeted(LOGITS, LABELS, targets))


def test_few_classes_have_a_gradient():
    for classes in (2, 3):
        for target in range(1, classes):
            logits = torch.tensor([[3.0, 1.0, 0.5][:classes]], requires_grad=True)
            zero, aim = torch.tensor([0]), torch.tensor([target])
            for loss in (dlr(logits, zero), dlr_targeted(logits, zero, aim)):
                (grad,) = torch.autograd.grad(loss.sum(), logits)
                assert float(grad[0, 0]) < 0, (classes, target)
