import pytest
import torch

import bridgetune_classic as plugin
from bridgetune import RequestError, create, list_generators
from bridgetune.evaluation import evaluate
from bridgetune.hookspecs import HOOK_API, EvaluatorSpec, GeneratorSpec
from bridgetune.inference import fuse_files
from bridgetune.opening import open_method
from bridgetune.pictures import read_image, write_image
from bridgetune.testing.pairs import source_pairs


@pytest.fixture
def scenes(tmp_path):
    """Two known pairs in A/ and B/, with their maps."""
    for stem, pair in enumerate(zip(*source_pairs(2, 48, 64), strict=True)):
        for folder, image in zip("AB", pair, strict=True):
            write_image(tmp_path / "scenes" / folder / f"{stem}.png", _levels(image))
        left = torch.zeros(48, 64)
        left[:, :32] = 1
        write_image(tmp_path / "scenes" / "mask" / f"{stem}.png", (left * 255).to(torch.uint8).numpy())
    return tmp_path / "scenes"


def _levels(image):
    return (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def test_plugin_is_written_for_the_present_hooks():
    assert plugin.bridgetune_hook_api == HOOK_API


def test_generators_and_an_evaluator_are_registered():
    generators: list[GeneratorSpec] = []
    evaluators: list[EvaluatorSpec] = []
    plugin.bridgetune_register_generators(generators.append)
    plugin.bridgetune_register_evaluators(evaluators.append)
    assert [spec.name for spec in generators] == ["modified-laplacian", "spatial-frequency"]
    assert all(spec.weights is None and spec.discriminator is None for spec in generators)
    assert [spec.name for spec in evaluators] == ["laplacian-pyramid"]
    assert {"modified-laplacian", "spatial-frequency"} <= list_generators().keys()
    assert "laplacian-pyramid" not in list_generators()


@pytest.mark.parametrize("name", ["modified-laplacian", "spatial-frequency", "laplacian-pyramid"])
def test_every_method_fuses_at_once_and_is_evaluated(name, scenes):
    method = open_method(name)
    first, second = source_pairs(1, 48, 64)
    fused = method(first, second) if name == "laplacian-pyramid" else method.fuse(first, second)
    scene = (first + second) / 2
    scene[..., :28], scene[..., 36:] = first[..., :28], second[..., 36:]
    assert (fused - scene)[..., 8:-8].abs().mean() < 0.5 * (first - second).abs().mean()
    result = evaluate(scenes, generator=name, workers=1)
    assert result.method == name
    assert ("map_error" in result.metrics) == (name != "laplacian-pyramid")
    assert ("swap_inconsistency" in result.metrics) == (name != "laplacian-pyramid")


def test_there_is_nothing_to_tune():
    with pytest.raises(RequestError, match="'laplacian-pyramid' is an evaluator: it fuses without a decision map"):
        create("laplacian-pyramid")


def test_pyramid_of_a_picture_with_itself_is_that_picture(scenes):
    path = scenes / "A" / "0.png"
    fusion = fuse_files(open_method("laplacian-pyramid"), path, path)
    assert fusion.decision is None
    assert (fusion.pixels == read_image(path).pixels).all()
