"""Each phase touches its own network's gradients and no other's."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import Tensor, nn

from bridgetune import RECIPES, AdapterConfig, TuneConfig, wrap
from bridgetune.discriminators import build_discriminator
from bridgetune.losses import adversarial_loss
from bridgetune.synthesis import synthesize
from bridgetune.training.alpha import AdversarialWeight
from bridgetune.training.phases import (
    DOMAINS,
    Answering,
    Domain,
    GeneratorLosses,
    Judging,
    Phase,
    Scene,
    TuningScene,
    discriminator_losses,
    only,
    pretraining_losses,
    supervised_losses,
)

RECIPE = RECIPES["paper"]
CONFIG = TuneConfig()
CPU = torch.device("cpu")


def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    generator = wrap(nn.Conv2d(6, 1, 3, padding=1), AdapterConfig(call="concat"))
    judges = {domain: Judging(build_discriminator(generator, "patch")[0]) for domain in DOMAINS}
    return {"generator": generator, **judges}


def losses_of_generator(made: dict[str, nn.Module], config: TuneConfig = CONFIG, keep: bool = False):
    judges = {domain: made[domain] for domain in DOMAINS}
    return GeneratorLosses(judges, RECIPE, config, AdversarialWeight(config.alpha, 0.1, CPU), keep=keep)


def batch(swapped: bool = False) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(1)
    names = ["first", "second", "clear", "blurred", "real_clear", "real_blurred"]
    made = {name: torch.rand(2, 3, 32, 32, generator=random) for name in names}
    made["mask"] = (torch.rand(2, 1, 32, 32, generator=random) > 0.5).float()
    return made


def phases(made: dict[str, nn.Module]) -> list[Phase[TuningScene]]:
    def phase(name: str, minimised: str, network: nn.Module, losses) -> Phase[TuningScene]:
        optimizer = torch.optim.AdamW(network.parameters())
        return Phase(name, minimised, network, optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer), losses)

    judging = [
        phase(
            domain,
            f"discriminator_{domain}",
            made[domain],
            lambda scene, domain=domain: discriminator_losses(scene, domain, made[domain]),
        )
        for domain in DOMAINS
    ]
    tuning = phase("generator", "loss", made["generator"], losses_of_generator(made))
    return [*judging, tuning]


def touched(network: nn.Module) -> bool:
    return any(parameter.grad is not None for parameter in network.parameters())


def test_each_phase_leaves_gradients_in_its_own_network_only():
    made = networks()
    all_phases = phases(made)
    for phase in all_phases:
        scene = TuningScene.of(Answering(made["generator"], auxiliary=False), batch())
        with only(phase, all_phases):
            phase.losses(scene)[phase.minimised].backward()
        assert all(parameter.grad is not None for parameter in phase.network.parameters())
        assert not any(touched(other.network) for other in all_phases if other is not phase)
        phase.network.zero_grad()


def test_after_a_phase_every_network_takes_gradients_again():
    made = networks()
    all_phases = phases(made)
    with only(all_phases[0], all_phases):
        assert not any(parameter.requires_grad for parameter in made["generator"].parameters())
    assert all(parameter.requires_grad for network in made.values() for parameter in network.parameters())


def test_the_generators_gradient_has_an_adversarial_part():
    made = networks()
    gradients = []
    for alpha in (0.0, 1.0):
        scene = TuningScene.of(Answering(made["generator"], auxiliary=False), batch())
        loss = losses_of_generator(made, TuneConfig(alpha=alpha))(scene)["loss"]
        gradients.append(torch.autograd.grad(loss, list(made["generator"].parameters()))[0])
    assert not torch.allclose(gradients[0], gradients[1])


@pytest.mark.parametrize("keep", [False, True])
def test_the_generators_gradient_is_that_of_equation_12(keep: bool):
    made, given, config = networks(), batch(), TuneConfig(alpha=0.3)
    parameters = list(made["generator"].parameters())
    scene = TuningScene.of(Answering(made["generator"], auxiliary=False), given)
    loss = losses_of_generator(made, config, keep)(scene)["loss"]
    gradients = torch.autograd.grad(loss, parameters)

    logits = made["generator"](given["first"], given["second"])
    expected = supervised_losses([logits], given["mask"], RECIPE, RECIPE.focal_weight_finetune)["supervised"]
    made_up = synthesize(given["first"], given["second"], logits, given["clear"], given["blurred"])._asdict()
    for name, image in made_up.items():
        (scores,) = made[name.split("_")[0]](image)
        expected = expected + 0.3 * adversarial_loss([scores])
    torch.testing.assert_close(loss, expected)
    for one, other in zip(gradients, torch.autograd.grad(expected, parameters), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("domain", DOMAINS)
def test_kept_losses_give_the_discriminators_the_gradient_that_a_pass_of_their_own_gives(domain: Domain):
    made = networks()
    parameters = list(made[domain].parameters())
    gradients = []
    for keep in (False, True):
        scene = TuningScene.of(Answering(made["generator"], auxiliary=False), batch())
        losses_of_generator(made, keep=keep)(scene)
        assert (domain in scene.judged) == keep
        loss = discriminator_losses(scene, domain, made[domain])[f"discriminator_{domain}"]
        gradients.append(torch.autograd.grad(loss, parameters))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("keep", [False, True])
def test_each_discriminators_graph_is_gone_before_the_next_one_judges(keep: bool):
    made, answers, alive = networks(), [], []

    def watch(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> None:
        alive.extend(earlier() is not None for earlier in answers)
        answers.append(weakref.ref(answer))

    for domain in DOMAINS:
        made[domain].discriminator.register_forward_hook(watch)
    losses_of_generator(made, keep=keep)(TuningScene.of(Answering(made["generator"], auxiliary=False), batch()))
    assert alive == [False]


def test_swapping_the_pair_and_complementing_the_map_leaves_the_adversarial_loss_unchanged():
    made, given = networks(), batch()
    logits = made["generator"](given["first"], given["second"])
    swapped = given | {"first": given["second"], "second": given["first"], "mask": 1 - given["mask"]}
    losses = losses_of_generator(made)
    one, other = losses(TuningScene(given, [logits])), losses(TuningScene(swapped, [-logits]))
    for name in ("adversarial", "adversarial_clear", "adversarial_blurred"):
        torch.testing.assert_close(one[name], other[name], atol=1e-6, rtol=1e-6)


class TwoScales(nn.Module):
    """A map and one of half its size, each by a head of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(6, 1, 1), nn.Conv2d(6, 1, 2, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.fine(x), self.coarse(x)


def test_stage_1_trains_auxiliary_maps_against_the_target_at_their_size():
    generator = wrap(TwoScales(), AdapterConfig(call="concat", item=0, auxiliary=(1,), multiple=4))
    scene = Scene.of(Answering(generator, auxiliary=True), batch())
    assert [tuple(map_.shape) for map_ in scene.maps] == [(2, 1, 32, 32), (2, 1, 16, 16)]
    losses = pretraining_losses(scene, RECIPE)

    target = batch()["mask"]
    by_hand = [
        supervised_losses([scene.maps[0]], target, RECIPE, 20),
        supervised_losses([scene.maps[1]], torch.nn.functional.avg_pool2d(target, 2), RECIPE, 20),
    ]
    for name, value in losses.items():
        torch.testing.assert_close(value, (by_hand[0][name] + by_hand[1][name]) / 2)

    losses["supervised"].backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in generator.parameters())


def test_padding_is_cut_off_auxiliary_maps_too():
    generator = wrap(TwoScales(), AdapterConfig(call="concat", item=0, auxiliary=(1,), multiple=8))
    maps = generator.scales(*(torch.rand(1, 3, 22, 30) for _ in range(2)))
    assert [tuple(map_.shape[2:]) for map_ in maps] == [(22, 30), (11, 15)]
