"""What each network minimises is what the paper's equations say, also where gradients are taken apart at the map."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, TuneConfig, wrap
from bridgetune.config.training import Labelling
from bridgetune.losses import adversarial_loss, binarisation, swap_consistency, total_variation
from bridgetune.synthesis import synthesize
from bridgetune.terms import DOMAINS, TERMS, Domain, is_term
from bridgetune.training.forward import ForwardPass, TuningPass
from bridgetune.training.labels import Labels
from bridgetune.training.objectives import discriminator_losses, pretraining_losses, supervised_losses
from bridgetune.training.roles import Answering
from tests.support.steps import (
    RECIPE,
    TwoScales,
    batch,
    forward_pass,
    losses_by_labels,
    losses_of_generator,
    networks,
)


def test_the_generators_gradient_has_an_adversarial_part():
    made = networks()
    gradients = []
    for alpha in (0.0, 1.0):
        loss = losses_of_generator(made, TuneConfig(alpha=alpha))(forward_pass(made))["loss"]
        gradients.append(torch.autograd.grad(loss, list(made["generator"].parameters()))[0])
    assert not torch.allclose(gradients[0], gradients[1])


@pytest.mark.parametrize("keep", [False, True])
def test_the_generators_gradient_is_that_of_equation_12(keep: bool):
    made, given, config = networks(), batch(), TuneConfig(alpha=0.3)
    parameters = list(made["generator"].parameters())
    loss = losses_of_generator(made, config, keep)(forward_pass(made, given))["loss"]
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


def test_unlabelled_pairs_add_each_regulariser_with_its_weight():
    made, given = networks(), batch(unlabelled=3)
    config = TuneConfig(alpha=0.0, swap_weight=0.5, binary_weight=0.25, variation_weight=0.125)
    losses = losses_of_generator(made, config)(forward_pass(made, given))

    generator = made["generator"]
    one = generator(given["unlabelled_first"], given["unlabelled_second"])
    other = generator(given["unlabelled_second"], given["unlabelled_first"])
    torch.testing.assert_close(losses["swap"], swap_consistency(one, other).detach())
    torch.testing.assert_close(losses["binary"], binarisation(one).detach())
    torch.testing.assert_close(losses["variation"], total_variation(one).detach())
    added = 0.5 * losses["swap"] + 0.25 * losses["binary"] + 0.125 * losses["variation"]
    torch.testing.assert_close(losses["loss"].detach(), losses["supervised"] + added)


class Mixing(nn.Module):
    """An end-to-end network: a share of either image, and a veil."""

    def __init__(self) -> None:
        super().__init__()
        self.share, self.veil = nn.Parameter(torch.tensor(0.6)), nn.Parameter(torch.tensor(0.05))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.share * first + (1 - self.share) * second + self.veil


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_what_an_end_to_end_network_adds_to_its_sources_is_weighed(alpha: float):
    made, given = networks(), batch()
    generator = wrap(Mixing(), AdapterConfig(output="fused"))
    answering = Answering(generator, auxiliary=False, faithful=True)
    losses = {
        weight: losses_of_generator(made, TuneConfig(alpha=alpha, fidelity_weight=weight))(
            TuningPass.of(answering, given, faithful=True)
        )
        for weight in (0.0, 2.0)
    }
    rest = generator.residue(given["first"], given["second"]).mean()
    assert rest > 0.01
    torch.testing.assert_close(losses[2.0]["fidelity"], rest.detach())
    torch.testing.assert_close(losses[2.0]["loss"] - losses[0.0]["loss"], 2 * rest)
    veil = generator.unwrap().veil
    (with_it,), (without,), (its,) = (
        torch.autograd.grad(loss, [veil]) for loss in (losses[2.0]["loss"], losses[0.0]["loss"], rest)
    )
    torch.testing.assert_close(with_it, without + 2 * its)


@pytest.mark.parametrize("labelling", ["pseudo", "smoothed"])
def test_labels_that_nobody_gave_are_learned_from_with_their_weight_and_no_adversarial_loss(labelling: Labelling):
    made, given = networks(), batch(unlabelled=3)
    config = TuneConfig(adversarial=labelling, pseudo_weight=0.5, swap_weight=0, binary_weight=0, variation_weight=0)
    parameters = list(made["generator"].parameters())
    losses = losses_by_labels(config)(forward_pass(made, given))
    assert not {"adversarial", "alpha"} & losses.keys()

    expected = supervised_losses(
        [made["generator"](given["first"], given["second"])], given["mask"], RECIPE, RECIPE.focal_weight_finetune
    )["supervised"]
    first, second = given["unlabelled_first"], given["unlabelled_second"]
    logits = made["generator"](first, second)
    labels = Labels(labelling)(first, second, logits)
    pseudo = supervised_losses([logits], labels, RECIPE, RECIPE.focal_weight_finetune)["supervised"]
    torch.testing.assert_close(losses["pseudo"], pseudo.detach())
    expected = expected + 0.5 * pseudo
    torch.testing.assert_close(losses["loss"], expected)
    gradients = (torch.autograd.grad(loss, parameters) for loss in (losses["loss"], expected))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("domain", DOMAINS)
def test_kept_losses_give_the_discriminators_the_gradient_that_a_pass_of_their_own_gives(domain: Domain):
    made = networks()
    parameters = list(made[domain].parameters())
    gradients = []
    for keep in (False, True):
        forward = forward_pass(made)
        losses_of_generator(made, keep=keep)(forward)
        assert (domain in forward.judged) == keep
        loss = discriminator_losses(forward, domain, made[domain])[f"discriminator_{domain}"]
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
    losses_of_generator(made, keep=keep)(forward_pass(made))
    assert alive == [False]


def test_swapping_the_pair_and_complementing_the_map_leaves_the_adversarial_loss_unchanged():
    made, given = networks(), batch()
    logits = made["generator"](given["first"], given["second"])
    swapped = given | {"first": given["second"], "second": given["first"], "mask": 1 - given["mask"]}
    losses = losses_of_generator(made)
    one, other = losses(TuningPass(given, [logits])), losses(TuningPass(swapped, [-logits]))
    for name in ("adversarial", "adversarial_clear", "adversarial_blurred"):
        torch.testing.assert_close(one[name], other[name], atol=1e-6, rtol=1e-6)


def test_stage_1_trains_auxiliary_maps_against_the_target_at_their_size():
    generator = wrap(TwoScales(), AdapterConfig(call="concat", item=0, auxiliary=(1,), multiple=4))
    forward = ForwardPass.of(Answering(generator, auxiliary=True), batch())
    assert [tuple(map_.shape) for map_ in forward.maps] == [(2, 1, 32, 32), (2, 1, 16, 16)]
    losses = pretraining_losses(forward, RECIPE)

    target = batch()["mask"]
    by_hand = [
        supervised_losses([forward.maps[0]], target, RECIPE, 20),
        supervised_losses([forward.maps[1]], torch.nn.functional.avg_pool2d(target, 2), RECIPE, 20),
    ]
    for name, value in losses.items():
        torch.testing.assert_close(value, (by_hand[0][name] + by_hand[1][name]) / 2)

    losses["supervised"].backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in generator.parameters())


def test_every_loss_that_is_recorded_is_in_the_table_of_terms():
    made = networks()
    forward = forward_pass(made, batch(unlabelled=1))
    recorded = {**losses_of_generator(made)(forward), **losses_by_labels(TuneConfig(adversarial="pseudo"))(forward)}
    faithful = Answering(wrap(Mixing(), AdapterConfig(output="fused")), auxiliary=False, faithful=True)
    recorded |= losses_of_generator(made)(TuningPass.of(faithful, batch(), faithful=True))
    for domain in DOMAINS:
        recorded |= discriminator_losses(forward, domain, made[domain])
    assert {name for name in recorded if is_term(name)} == TERMS.keys()
    assert pretraining_losses(forward_pass(made), RECIPE).keys() <= TERMS.keys()
