import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgetune import create, wrap
from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune_classic.focus import (
    FocusComparison,
    ModifiedLaplacian,
    SpatialFrequency,
    modified_laplacian,
    spatial_frequency,
)

NETWORKS = [ModifiedLaplacian, SpatialFrequency]
GRAY = AdapterConfig(color="gray", minimum=2)


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_modified_laplacian_adds_both_second_differences_without_their_signs():
    image = torch.zeros(1, 1, 5, 5)
    image[..., 2, 2] = 1
    expected = torch.tensor([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 4, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]])
    assert torch.equal(modified_laplacian(image)[0, 0], expected.float())
    saddle = torch.arange(5.0).view(1, 1, 1, 5).square() - torch.arange(5.0).view(1, 1, 5, 1).square()
    assert modified_laplacian(saddle)[0, 0, 2, 2] == 4  # 2 + |-2|, where a Laplacian is 0


def test_spatial_frequency_squares_the_differences_of_rows_and_of_columns():
    ramp = (0.1 * torch.arange(6.0)).expand(1, 1, 4, 6) + (0.3 * torch.arange(4.0)).view(1, 1, 4, 1)
    torch.testing.assert_close(spatial_frequency(ramp), torch.full((1, 1, 4, 6), 0.1**2 + 0.3**2))


@pytest.mark.parametrize("measure", [modified_laplacian, spatial_frequency])
def test_a_flat_image_has_no_focus_at_its_edges_either(measure):
    assert measure(torch.full((1, 1, 2, 3), 0.7)).abs().max() == 0


@pytest.mark.parametrize("network", NETWORKS)
@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    window=st.sampled_from([1, 5, 17]),
    faint=st.floats(1e-4, 1),
    seed=st.integers(0, 99),
)
def test_exchanged_images_exchange_the_sign_and_mirrored_ones_mirror_the_logits(
    network, height, width, window, faint, seed
):
    generator = wrap(network(window=window), GRAY)
    first, second = images(2, 1, 3, height, width, seed=seed)
    second = second * faint
    logits = generator(first, second)
    assert torch.equal(generator(second, first), -logits)
    if min(height, width) > 1:  # a single row is padded at its bottom
        for axes in ((-1,), (-2,), (-2, -1)):
            mirrored = generator(first.flip(axes), second.flip(axes)).flip(axes)
            torch.testing.assert_close(mirrored.sigmoid(), logits.sigmoid(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("network", NETWORKS)
def test_flat_images_decide_nothing_and_noise_of_a_sensor_little(network):
    flat = torch.full((1, 1, 40, 40), 0.5)
    assert network()(flat, flat + 0.2).abs().max() == 0
    faint = flat + 1e-6 * images(1, 1, 40, 40)
    assert network()(faint, flat).abs().max() < 0.5


@pytest.mark.parametrize("network", NETWORKS)
def test_sharp_half_wins_and_logits_are_bounded(network):
    texture = images(1, 1, 60, 80)
    flat = torch.full_like(texture, 0.5)
    left = torch.arange(80).expand_as(texture) < 40
    logits = network(window=5, guided=5)(texture.where(left, flat), texture.where(~left, flat))
    assert logits.abs().max() < 23.6
    assert (logits[..., :36] > 10).all()
    assert (logits[..., 44:] < -10).all()


@pytest.mark.parametrize("network", NETWORKS)
def test_gradient_reaches_both_images_and_is_finite(network):
    pair = images(2, 1, 1, 12, 12).requires_grad_()
    network(window=3, guided=3)(*pair).square().sum().backward()
    assert pair.grad.isfinite().all()
    assert (pair.grad.flatten(1).abs().sum(1) > 0).all()
    flat = torch.full((1, 1, 8, 8), 0.5, requires_grad=True)
    network()(flat, flat).sum().backward()
    assert flat.grad.isfinite().all()


@pytest.mark.parametrize("name", ["modified-laplacian", "spatial-frequency"])
def test_there_is_nothing_to_train_and_options_are_kept(name, tmp_path):
    generator = create(name, window=9)
    assert list(generator.parameters()) == []
    assert generator.unwrap().state_dict() == {}
    generator.save_pretrained(tmp_path)
    assert create(name, weights=tmp_path).unwrap().window == 9


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": 4}, "window: got 4, expected a positive odd whole number"),
        ({"window": 5.0}, "window: got 5.0, expected a positive odd whole number"),
        ({"guided": -1}, "guided: got -1, expected a positive odd whole number"),
        ({"epsilon": 0}, "epsilon: got 0, expected a positive number"),
        ({"epsilon": "small"}, "epsilon: got 'small', expected a positive number"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options, said):
    with pytest.raises(RequestError, match=f"^{said}$"):
        FocusComparison(**options)
