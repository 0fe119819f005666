"""Bring a network with an awkward interface: bridgetune finds out how it is called, tunes it, and gives it back.

    python examples/wrap_your_network.py

About a minute on two cores.
"""

import torch
from torch import Tensor, nn

import bridgetune
from bridgetune.demo import HeldOut, references, training_pairs
from bridgetune.wrapping import probe
from bridgetune.wrapping.probing import pasted

SIZE = 64


class Awkward(nn.Module):
    """Wants keyword arguments and sides divisible by 4; returns a dictionary with a tanh map among other things."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            *(nn.Conv2d(6, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, 2 * width, 4, stride=4), nn.BatchNorm2d(2 * width), nn.ReLU()),
            *(nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.ReLU()),
        )
        self.decode = nn.Sequential(
            nn.ConvTranspose2d(2 * width, width, 4, stride=4), nn.ReLU(), nn.Conv2d(width, 1, 1)
        )

    def forward(self, *, near: Tensor, far: Tensor) -> dict[str, Tensor]:
        features = self.encode(torch.cat([near, far], dim=1))
        focus = torch.tanh(self.decode(features))
        share = (focus + 1) / 2
        return {"features": features, "focus": focus, "fused": share * near + (1 - share) * far}


torch.manual_seed(0)
network = Awkward()
findings = probe(network)
print(f"{findings.network}, {findings.parameters:,} parameters, is read as")
for reading in findings.readings:
    print(f"    {pasted(reading.config)}\n    because {reading.because}")

generator = bridgetune.wrap(network)
pairs, held_out = training_pairs(SIZE), HeldOut(longest_side=320)

stage1 = bridgetune.PretrainConfig(
    duration=bridgetune.Steps(steps=250), batch=8, size=SIZE, learning_rate=4e-3, validate_every=250
)
trained = bridgetune.pretrain(generator, pairs, stage1, validation=held_out)
orientation = bridgetune.check_orientation(generator, held_out)
print(f"trained, it decides {orientation.agreement:.0%} right: its map stands for the {orientation.verdict} image")

stage2 = bridgetune.TuneConfig(duration=bridgetune.Steps(steps=60), batch=8, size=SIZE, validate_every=60)
tuned = bridgetune.finetune(generator, pairs, references(SIZE), stage2, validation=held_out)
print(f"held-out map error {trained.validation.map_error:.2%}, after BridgeTune {tuned.validation.map_error:.2%}")

assert generator.unwrap() is network
Awkward().load_state_dict(network.state_dict(), strict=True)
print("the network is the very object that was wrapped, and its weights load into a fresh one")
