"""Each phase touches its own network's gradients and no other's."""

from __future__ import annotations

import torch
from torch import nn

from bridgetune.terms import DOMAINS
from bridgetune.training.forward import TuningPass
from bridgetune.training.objectives import discriminator_losses
from bridgetune.training.phases import Phase, only
from tests.support.steps import forward_pass, losses_of_generator, networks


def phases(made: dict[str, nn.Module]) -> list[Phase[TuningPass]]:
    def phase(name: str, minimised: str, network: nn.Module, losses) -> Phase[TuningPass]:
        optimizer = torch.optim.AdamW(network.parameters())
        return Phase(name, minimised, network, optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer), losses)

    judging = [
        phase(
            domain,
            f"discriminator_{domain}",
            made[domain],
            lambda forward, domain=domain: discriminator_losses(forward, domain, made[domain]),
        )
        for domain in DOMAINS
    ]
    tuning = phase("generator", "loss", made["generator"], losses_of_generator(made))
    return [*judging, tuning]


def touched(network: nn.Module) -> bool:
    return any(parameter.grad is not None for parameter in network.parameters())


def open_to_gradients(network: nn.Module) -> bool:
    return all(parameter.requires_grad for parameter in network.parameters())


def test_each_phase_leaves_gradients_in_its_own_network_only():
    made = networks()
    all_phases = phases(made)
    for phase in all_phases:
        forward = forward_pass(made)
        with only(phase, all_phases):
            phase.losses(forward)[phase.minimised].backward()
        assert all(parameter.grad is not None for parameter in phase.network.parameters())
        assert not any(touched(other.network) for other in all_phases if other is not phase)
        phase.network.zero_grad()


def test_after_a_phase_every_network_takes_gradients_again():
    made = networks()
    all_phases = phases(made)
    with only(all_phases[0], all_phases):
        assert not any(parameter.requires_grad for parameter in made["generator"].parameters())
    assert all(map(open_to_gradients, made.values()))


def test_what_a_phase_reaches_takes_gradients_in_its_turn():
    made = networks()
    clear, blurred, tuning = phases(made)
    tuning.reaches = (clear.name,)
    with only(tuning, [clear, blurred, tuning]):
        assert [open_to_gradients(phase.network) for phase in (clear, blurred, tuning)] == [True, False, True]


def test_what_is_frozen_stays_frozen_after_others_turns():
    made = networks()
    made["generator"].requires_grad_(False)
    judging, *_, tuning = phases(made)
    with only(judging, [judging, tuning]):
        pass
    assert tuning.trainable == []
    assert not any(parameter.requires_grad for parameter in made["generator"].parameters())


def test_an_update_moves_the_network_and_leaves_no_gradient():
    made = networks()
    (*_, tuning) = phases(made)
    before = [parameter.clone() for parameter in tuning.network.parameters()]
    tuning.losses(forward_pass(made))["loss"].backward()
    tuning.update()
    assert not any(map(torch.equal, before, tuning.network.parameters()))
    assert not touched(tuning.network)
