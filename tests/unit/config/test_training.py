"""Settings of a run."""

from __future__ import annotations

from bridgetune import Epochs, PretrainConfig, TuneConfig


def test_defaults_are_the_papers():
    # Section 4.1 and Algorithm 1
    stage1, stage2 = PretrainConfig(), TuneConfig()
    assert (stage1.duration, stage1.batch, stage1.learning_rate) == (Epochs(epochs=100), 32, 1e-3)
    assert (stage2.duration, stage2.batch, stage2.learning_rate) == (Epochs(epochs=50), 16, 6e-4)
    assert stage1.betas == stage2.betas == (0.9, 0.999)
    assert stage1.size == stage2.size == 256
    assert stage1.kernel_sizes == (3, 21)
    assert stage2.alpha == 1e-4
    assert stage2.adversarial == "non-saturating"
