import pytest
import torch

from bridgetune.errors import RequestError
from bridgetune.inference.mapless import fuse_without_map
from bridgetune.opening import open_method
from bridgetune_peers.prior import DeepImagePrior, sharper


def halves(height: int = 48, width: int = 56) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A scene, and a pair of it: sharp in the left half, and in the right one."""
    noise = torch.rand((1, 3, height // 2, width // 2), generator=torch.Generator().manual_seed(0))
    scene = torch.nn.functional.interpolate(noise, (height, width), mode="bilinear")
    blurred = torch.nn.functional.avg_pool2d(scene, 9, stride=1, padding=4, count_include_pad=False)
    left = torch.arange(width).expand_as(scene) < width // 2
    return scene, scene.where(left, blurred), scene.where(~left, blurred)


def error(image: torch.Tensor, scene: torch.Tensor) -> float:
    return float((image - scene)[..., 4:-4].square().mean())


def test_it_comes_nearer_to_the_scene_than_either_source_or_their_mean():
    scene, first, second = halves()
    before = torch.random.get_rng_state()
    fused = DeepImagePrior(steps=80, width=8)(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert error(fused, scene) < 0.7 * min(error(image, scene) for image in (first, second, (first + second) / 2))


def test_more_steps_come_nearer_and_the_same_ones_to_the_same():
    scene, first, second = halves(40, 40)
    few, again, more = (DeepImagePrior(steps=steps, width=8)(first, second) for steps in (5, 5, 100))
    assert torch.equal(few, again)
    assert error(more, scene) < error(few, scene)


def test_any_size_is_fused_and_pairs_of_a_batch_know_nothing_of_each_other():
    prior = DeepImagePrior(steps=2, width=2)
    first, second = torch.rand(2, 2, 3, 5, 19)
    fused = prior(first, second)
    assert fused.shape == first.shape
    assert not fused.requires_grad
    torch.testing.assert_close(fused[1:], prior(first[1:], second[1:]))


def test_the_sharper_image_leads_and_flat_ones_do_not():
    _, first, second = halves()
    lead = sharper(first, second)
    assert (lead[..., :20] > 0.3).all()
    assert (lead[..., -20:] < -0.3).all()
    assert sharper(torch.full_like(first, 0.4), torch.full_like(first, 0.6)).abs().max() < 1e-3


def test_it_is_an_evaluator_whose_options_are_given_by_name():
    evaluator = open_method("deep-image-prior", options={"steps": 1, "width": 2})
    assert (evaluator.method.steps, evaluator.method.width) == (1, 2)
    first, second = torch.randint(0, 256, (2, 20, 24, 3), dtype=torch.uint8).numpy()
    assert fuse_without_map(evaluator, first, second).shape == first.shape
    with pytest.raises(RequestError, match="steps: got 0, expected a positive whole number"):
        open_method("deep-image-prior", options={"steps": 0})
    with pytest.raises(RequestError, match="'deep-image-prior' does not take the options"):
        open_method("deep-image-prior", options={"step": 3})
