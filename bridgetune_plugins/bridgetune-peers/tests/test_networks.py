from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bridgetune.errors import RequestError
from bridgetune_peers import cnn, ecnn, gacn, ifcnn, layers, mfif_gan, sesf

Make = Callable[[], nn.Module]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def trained(network: nn.Module) -> nn.Module:
    """In eval mode, with batch norm that does something."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (sesf.SESF, 74_803 - 60_387),  # shared/reference/peers: less the decoder, which is for training
        (gacn.GACN, 68_820),  # ibidem
        (ifcnn.IFCNN, 83_587),  # ibidem
        (mfif_gan.MFIFGAN, 13_700_928),  # the layers of the authors' program, added up
        (cnn.CNN, 8_758_784),  # BridgeTune paper, Table 6: 8.76 M
        (ecnn.ECNN, 1_587_202),  # BridgeTune paper, Table 6: 1.59 M
        (sesf.SESFJudge, 74_803 - 2),  # the last layer of the decoder has no batch norm of its one channel
        (gacn.GACNJudge, 68_820 - 2 - 49),  # likewise, and no attention behind it
        (ifcnn.IFCNNJudge, 83_587 - 2 * 65),  # one channel out instead of three
        (mfif_gan.MFIFGANJudge, 13_700_928 - 256 * 256 * 16),  # half as many channels into the decoder
        (cnn.CNNJudge, 369_664 + 256 * 256 * 64 + 257),  # one branch, and one score
        (ecnn.ECNNJudge, 1_587_202 - 32_770 + 8_193),  # half a patch, and one score
    ],
)
def test_parameters_are_those_of_the_papers(make: Make, parameters: int):
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in make().parameters()) == parameters


def test_spatial_frequency_counts_neighbours_outside_as_black():
    image = torch.zeros(1, 1, 13, 13)
    image[..., 6, 6] = 2
    found = layers.spatial_frequency(image)[0, 0]
    # The pixel differs from its left and its upper neighbour, and its right and its lower one from it.
    changes = torch.zeros(13, 13)
    changes[6, 6], changes[6, 7], changes[7, 6] = 8, 4, 4
    reach = torch.zeros(23, 23)
    reach[5:18, 5:18] = changes
    torch.testing.assert_close(found, reach.unfold(0, 11, 1).unfold(1, 11, 1).sum((2, 3)))
    bright = layers.spatial_frequency(torch.ones(1, 1, 13, 13))[0, 0]
    assert bright[0, 0] == 6 + 6  # what is at the left and at the upper edge
    assert bright[12, 12] == 0


@pytest.mark.parametrize(
    ("network", "of_logits"),
    [(sesf.SESF, True), (lambda: ecnn.ECNN(width=2), False)],
    ids=["sesf", "ecnn"],
)
def test_exchanged_images_turn_the_map_round(network: Make, of_logits: bool):
    made, (first, second) = trained(network()), noise(2, 1, 1, 40, 48)
    given, exchanged = made(first, second), made(second, first)
    torch.testing.assert_close(exchanged, -given if of_logits else 1 - given, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", [sesf.SESF, gacn.GACN])
def test_steepness_changes_how_sure_and_not_what(kind: Callable[..., nn.Module]):
    first, second = noise(2, 1, 1, 24, 24)
    steep, flat = trained(kind(steepness=10.0)), trained(kind(steepness=1.0))
    flat.load_state_dict(steep.state_dict())
    torch.testing.assert_close(steep(first, second), 10 * flat(first, second))


def test_sesf_decides_by_the_sum_over_all_features():
    network, (first, second) = trained(sesf.SESF()), noise(2, 1, 1, 32, 32)
    sums = [layers.spatial_frequency(network.encoder(image)).sum(1, keepdim=True) for image in (first, second)]
    assert torch.equal(network(first, second) > 0, sums[0] > sums[1])
    assert (sums[0] > sums[1]).float().mean().item() not in (0.0, 1.0)


def test_ifcnn_fuses_by_the_maximum_of_features():
    network, (first, second) = trained(ifcnn.IFCNN(width=4)), noise(2, 1, 3, 20, 22)
    assert torch.equal(network(first, second), network(second, first))
    assert not torch.equal(network(first, second), network(first, first))
    assert network(first, second).shape == first.shape


def test_mfif_gan_averages_what_it_finds_in_the_channels():
    network, (first, second) = trained(mfif_gan.MFIFGAN(width=2, blocks=1)), noise(2, 1, 3, 16, 20)
    expected = network(first, second)
    assert expected.shape == (1, 1, 16, 20)
    torch.testing.assert_close(network(first.flip(1), second), expected)
    assert (network(second, first) - expected).abs().max() > 1e-6


def test_cnn_asks_of_all_patches_what_it_would_of_each():
    network = trained(cnn.CNN(width=2))
    for layer in network.branch:
        if isinstance(layer, nn.Conv2d):
            layer.padding = (0, 0)  # patches alone know nothing of what is around them
    network.feature = nn.Conv2d(16, 8, 4, bias=False).requires_grad_(False)  # all that is left of a patch
    first, second = noise(2, 1, 1, 26, 24)
    features = torch.cat([network.branch(image) for image in (first, second)], 1)
    dense = network.output(network.feature(features))[0]
    for down, across in ((0, 0), (3, 1), (4, 3)):
        patch = [image[..., 2 * down :, 2 * across :][..., :16, :16] for image in (first, second)]
        alone = network.output(network.feature(torch.cat([network.branch(image) for image in patch], 1)))[0]
        torch.testing.assert_close(dense[:, down, across], alone[:, 0, 0])


def test_a_pixels_focus_is_the_mean_over_its_patches():
    patches = noise(1, 1, 3, 2)
    spread = cnn._spread(patches)
    assert spread.shape == (1, 1, 20, 18)
    sums, counts = torch.zeros(20, 18), torch.zeros(20, 18)
    for down in range(3):
        for across in range(2):
            place = slice(2 * down, 2 * down + 16), slice(2 * across, 2 * across + 16)
            sums[place] += patches[0, 0, down, across]
            counts[place] += 1
    torch.testing.assert_close(spread[0, 0], sums / counts)


def test_ecnn_sees_gray_and_what_grows_across_and_down():
    ramp = (torch.arange(6.0) / 100).expand(1, 1, 5, 6)
    gray, across, down = ecnn.planes(ramp)[0]
    torch.testing.assert_close(gray * 0.1 + 0.45, ramp[0, 0])
    torch.testing.assert_close((across * 0.09 + 0.05)[:, 1:-1], torch.full((5, 4), 0.08))  # 8 hundredths, by Sobel
    torch.testing.assert_close(down * 0.09 + 0.06, torch.zeros(5, 6))
    falling = ecnn.planes(ramp.flip(3))[0, 1]
    torch.testing.assert_close(falling, torch.full((5, 6), -0.05 / 0.09))  # 8 bits have no negative


def test_ecnn_counts_votes_of_all_patches_of_a_pixel():
    network, (first, second) = trained(ecnn.ECNN(width=2)), noise(2, 1, 1, 40, 48)
    found = network(first, second)[0, 0]
    sums, counts = torch.zeros(40, 48), torch.zeros(40, 48)
    one, other = ecnn.planes(first), ecnn.planes(second)
    for down in (0, 8):
        for across in (0, 8, 16):
            place = slice(down, down + 32), slice(across, across + 32)
            patches = [image[:, :, place[0], place[1]] for image in (one, other)]
            given, exchanged = (network._scores(torch.cat(order, 2))[0] for order in (patches, patches[::-1]))
            sums[place] += torch.sigmoid(((given[0] - given[1]) - (exchanged[0] - exchanged[1])) / 2)
            counts[place] += 1
    torch.testing.assert_close(found, sums / counts)


def test_judges_answer_at_the_size_that_they_say():
    image = noise(2, 1, 48, 40)
    assert cnn.CNNJudge(width=2)(image).shape == (2, 1, 48 // 2 - 7, 40 // 2 - 7)
    assert ecnn.ECNNJudge(width=2)(image).shape == (2, 1, 3, 2)
    assert sesf.SESFJudge()(image).shape == image.shape


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: sesf.SESF(steepness=0), "steepness: got 0, expected a positive number"),
        (lambda: gacn.GACNJudge(steepness="much"), "steepness: got 'much', expected a positive number"),
        (lambda: ifcnn.IFCNN(width=2.5), "width: got 2.5, expected a positive whole number"),
        (lambda: mfif_gan.MFIFGAN(blocks=0), "blocks: got 0, expected a positive whole number"),
        (lambda: cnn.CNNJudge(width=-1), "width: got -1, expected a positive whole number"),
        (lambda: ecnn.ECNN(step=3), "step: got 3, expected one of 1, 2, 4, 8"),
        (lambda: ecnn.ECNNJudge(step=True), "step: got True, expected one of 1, 2, 4, 8"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(make: Make, said: str):
    with pytest.raises(RequestError, match=f"^{said}$"):
        make()
