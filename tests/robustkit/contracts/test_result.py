import torch

from robustkit.contracts.result import AttackResult, Status


def result(status):
    ends = torch.tensor([int(each) for each in status])
    n = len(ends)
    zeros = torch.zeros(n, dtype=torch.int64)
    return AttackResult(
        x_adv=torch.arange(float(n)).reshape(n, 1, 1, 1),
        success=ends == Status.FOUND,
        distance=torch.full((n,), 0.25),
        forwards=zeros + torch.arange(n),
        backwards=zeros,
        first_success_step=zeros,
        status=ends,
        reported=ends == Status.FOUND,
        logits=torch.zeros(n, 2),
        zero_gradients=zeros,
    )


def test_what_is_robust_and_how_near_the_nearest_is():
    made = result([Status.FAILED, Status.FOUND, Status.MISCLASSIFIED, Status.UNCONFIRMED, Status.ERROR])
    assert made.robust.tolist() == [True, False, False, True, False]
    assert made.nearest_distance.tolist() == [torch.inf, 0.25, 0.0, torch.inf, torch.inf]
    assert made.nearest is made.x_adv


def test_joined_rows_come_in_the_order_asked_for():
    one, other = result([Status.FAILED, Status.FOUND]), result([Status.ERROR])
    joined = AttackResult.join([one, other], torch.tensor([2, 0, 1]))
    assert joined.status.tolist() == [int(Status.ERROR), int(Status.FAILED), int(Status.FOUND)]
    assert joined.forwards.tolist() == [0, 0, 1]
    assert joined.witness is None
