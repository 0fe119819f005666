"""The paper's settings and those of the authors' released program."""

from __future__ import annotations

from bridgetune import RECIPES


def test_the_recipes_differ_where_paper_and_program_do():
    paper, released = RECIPES["paper"], RECIPES["released"]
    assert (paper.focal_weight_pretrain, paper.focal_weight_finetune) == (20, 20)
    assert (released.focal_weight_pretrain, released.focal_weight_finetune) == (15, 20)
    assert (paper.score, released.score) == ("image", "pixel")
    assert (paper.dice_over, released.dice_over) == ("sample", "batch")
    assert released.focal_balance == (0.25, 0.75)
    assert released.dice_smoothing == 1
