import pytest
import torch

from robustkit.errors import UsageError
from robustkit.physical.views import CHAINS, Chain, Exposure, JPEGCodec, ShadowEdge, ToneCurve, load_chain
from robustkit.rng import SampleRandom
from tests.far import far_device, waits

IDS = torch.arange(4)


def test_views_act_in_order_and_keep_what_is_brighter_than_white(photos, random):
    exposure, shadow, tone = Exposure(stops=(2, 2)), ShadowEdge(light=(0.2, 0.2)), ToneCurve()
    chain = Chain(name="three", views=(exposure, shadow, tone))
    drawn = chain.draw(IDS, random)
    step_by_step = photos
    for view in chain.views:
        step_by_step = view(step_by_step, drawn[view.name])
    assert torch.allclose(chain(photos, drawn), step_by_step.clamp(0, 1), atol=1e-5)
    bright = Chain(name="one", views=(exposure,))
    assert float(bright(photos, bright.draw(IDS, random)).max()) == 1
    assert torch.equal(Chain(name="none", views=())(photos, {}), photos)


def test_an_ablation_draws_the_same_for_the_others(random):
    chain = load_chain("camera")
    less, drawn = chain.without("jpeg"), chain.draw(IDS, random, 3)
    assert [view.name for view in less.views] == [view.name for view in chain.views if view.name != "jpeg"]
    for name, parameters in less.draw(IDS, random, 3).items():
        assert all(torch.equal(parameters[key], drawn[name][key]) for key in parameters)
    with pytest.raises(UsageError, match=r"view 'jpg' is not in chain 'camera': did you mean 'jpeg'\?"):
        chain.without("jpg")


@pytest.mark.parametrize("name", CHAINS)
def test_named_chains_give_pictures_and_gradients(name, photos, random):
    chain = load_chain(name)
    x = photos.clone().requires_grad_()
    y = chain(x, chain.draw(IDS, random))
    (gradient,) = torch.autograd.grad((y * torch.rand(y.shape)).sum(), x)
    y = y.detach()
    assert y.shape == x.shape
    assert 0 <= float(y.min()) <= float(y.max()) <= 1
    assert bool(gradient.isfinite().all())
    assert float((gradient != 0).float().mean()) > 0.9
    # Pictures stay recognisable: they correlate with what was there.
    for one, other in zip(photos, y, strict=True):
        assert float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]) > 0.6


def test_the_held_out_chain_has_the_real_codec_and_draws_of_its_own(random):
    attack, held_out = (load_chain(name) for name in ("camera", "camera-real"))
    assert isinstance(held_out.views[-1], JPEGCodec)
    assert [view.name for view in attack.views] == [view.name for view in held_out.views]
    same = Chain(name="camera-real", views=attack.views)
    for seed in (0, 1):
        ours, theirs = (chain.draw(IDS, SampleRandom(seed, "test")) for chain in (attack, same))
        assert not any(
            torch.equal(ours[name][key], theirs[name][key]) for name in ours for key in ours[name] if key != "present"
        )


def test_results_do_not_depend_on_the_batch(photos, random):
    chain = load_chain("camera").without("jpeg")  # a rounding may fall either way
    together = chain(photos, chain.draw(IDS, random, 2))
    for i in range(4):
        alone = chain(photos[i : i + 1], chain.draw(IDS[i : i + 1], random, 2))
        assert torch.allclose(alone, together[i : i + 1], atol=1e-5)


def test_the_attack_s_chain_never_waits_for_the_device(photos, random):
    chain = load_chain("camera")
    with far_device() as device:
        x, ids = photos.to(device, non_blocking=True), IDS.to(device, non_blocking=True)
        chain(x, chain.draw(ids, random))
        assert not waits


def test_unknown_chains_and_views_given_twice_are_named():
    with pytest.raises(UsageError, match=r"chain 'camara' is unknown: did you mean 'camera'"):
        load_chain("camara")
    with pytest.raises(UsageError, match=r"view 'exposure' is in chain 'mine' twice"):
        Chain(name="mine", views=(Exposure(), Exposure()))
