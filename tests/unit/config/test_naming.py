"""Options are called as their fields."""

from __future__ import annotations

from bridgetune.config.naming import FLAGS, flags


def test_an_option_is_called_as_its_field_unless_it_has_a_name_of_its_own():
    assert flags("weight_decay") == ("--weight-decay",)
    assert {name: flags(name) for name in FLAGS} == FLAGS
