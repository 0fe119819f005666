"""Settings of a run."""

from __future__ import annotations

import pytest

from bridgetune import Epochs, PretrainConfig, RequestError, TuneConfig
from bridgetune.config.training import LABELLINGS
from bridgetune.documents import checked


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


def test_the_papers_adversarial_loss_may_be_called_so():
    assert TuneConfig(adversarial="paper") == TuneConfig()
    assert TuneConfig(adversarial="saturating").form == "saturating"
    assert TuneConfig().labelling is None


@pytest.mark.parametrize("labelling", LABELLINGS)
def test_labels_stand_in_the_adversarial_losss_place(labelling: str):
    assert TuneConfig(adversarial=labelling).labelling == labelling
    for discriminator in ("twin", "patch"):
        with pytest.raises(RequestError, match=f"got '{discriminator}', but adversarial='{labelling}' has no"):
            checked(TuneConfig, adversarial=labelling, discriminator=discriminator)


def test_the_judge_of_pairs_is_for_votes():
    assert TuneConfig(adversarial="votes", discriminator="pair").discriminator == "pair"
    for adversarial in ("paper", "pseudo"):
        with pytest.raises(RequestError, match="got 'pair', whose votes are labels; expected adversarial='votes'"):
            checked(TuneConfig, adversarial=adversarial, discriminator="pair")
