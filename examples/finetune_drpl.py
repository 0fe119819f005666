"""Tune DRPL, unchanged, with BridgeTune: both stages on a reduced width, and the held-out map error after each.

    python examples/finetune_drpl.py

About half a minute on two cores. For the real thing leave the options out (64 channels, 12 blocks), take photographs of
your own, masks and references (bridgetune.data), and give it the paper's hours: PretrainConfig(), TuneConfig().
"""

import torch

import bridgetune
from bridgetune.demo import HeldOut, references, training_pairs

SIZE = 48

torch.manual_seed(0)
# symmetric: asked in both orders, which also helps a fresh network of this kind over a plateau at the start
generator = bridgetune.create("drpl", weights=None, symmetric=True, width=16, blocks=2)
pairs = training_pairs(SIZE, kernel_sizes=(11, 21))  # strong blurs, which are learnt soonest
held_out = HeldOut(longest_side=256)

stage1 = bridgetune.PretrainConfig(
    duration=bridgetune.Steps(steps=150), batch=8, size=SIZE, learning_rate=2e-3, validate_every=150
)
trained = bridgetune.pretrain(generator, pairs, stage1, validation=held_out)

stage2 = bridgetune.TuneConfig(
    duration=bridgetune.Steps(steps=25), batch=8, size=SIZE, learning_rate=2e-4, validate_every=25
)
tuned = bridgetune.finetune(generator, pairs, references(SIZE), stage2, validation=held_out)

print("share of wrong pixels on held-out pairs     everywhere   in homogeneous regions")
for name, errors in (("supervised (stage 1)", trained.validation), ("after BridgeTune (stage 2)", tuned.validation)):
    print(f"{name:43} {errors.map_error:10.2%} {errors.homogeneous_error:24.2%}")

drpl = generator.unwrap()
print(f"the network is still its own: {type(drpl).__name__}, {sum(p.numel() for p in drpl.parameters()):,} parameters")
