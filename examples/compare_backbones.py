"""The paper's Table 4 in small: three backbones before and after BridgeTune, in one table of held-out map errors.

    python examples/compare_backbones.py

About a minute on two cores, at reduced widths: it shows how to compare, not who wins.
"""

import torch

import bridgetune
from bridgetune.demo import HeldOut, references, training_pairs

SIZE = 48
BACKBONES = {
    "bridgemff": {},
    "msfin": {"widths": (8, 16, 32, 64)},
    "drpl": {"width": 16, "blocks": 1},
}
STAGE1 = bridgetune.PretrainConfig(
    duration=bridgetune.Steps(steps=60), batch=8, size=SIZE, learning_rate=2e-3, validate_every=60
)
STAGE2 = bridgetune.TuneConfig(
    duration=bridgetune.Steps(steps=10), batch=8, size=SIZE, learning_rate=2e-4, validate_every=10
)

pairs = training_pairs(SIZE, kernel_sizes=(15, 21))  # strong blurs, which are learnt soonest
held_out, references_ = HeldOut(longest_side=256), references(SIZE)

print(f"{'network':12} {'parameters':>10} {'BridgeTune':>11} {'map error':>10} {'homogeneous':>12}")
for name, options in BACKBONES.items():
    torch.manual_seed(0)
    generator = bridgetune.create(name, weights=None, symmetric=True, **options)
    parameters = sum(parameter.numel() for parameter in generator.parameters())
    before = bridgetune.pretrain(generator, pairs, STAGE1, validation=held_out).validation
    after = bridgetune.finetune(generator, pairs, references_, STAGE2, validation=held_out).validation
    for mark, errors in (("before", before), ("after", after)):
        print(f"{name:12} {parameters:10,} {mark:>11} {errors.map_error:10.2%} {errors.homogeneous_error:12.2%}")
