"""Comparing in a browser: several results under one zoom, and blind votes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, TELEPHONE
from tests.browser.seeing import sent, serious, zooms
from tests.support.pages import until

BLACK = """() => [...document.querySelectorAll(".view")].flatMap(element => {
    const { viewport, world } = OpenSeadragon.getViewer(element);
    const seen = viewport.getBounds(true), whole = world.getHomeBounds();
    const beyond = (low, high, least, most) => Math.max(least - low, high - most, 0) / (high - low);
    const across = beyond(seen.x, seen.x + seen.width, whole.x, whole.x + whole.width);
    const down = beyond(seen.y, seen.y + seen.height, whole.y, whole.y + whole.height);
    return [across, down];
})"""
"""Of each view: how much of its width and of its height lies beyond the picture, on the side where it is more."""


@pytest.mark.parametrize("page", [DESK, TELEPHONE], ids=["desk", "telephone"], indirect=True)
def test_methods_are_compared_under_one_zoom_and_voted_on_blindly(page: Page, stack: list[Path]):
    sent(page, stack[:2])
    page.goto(f"{page.url}/compare")
    for method in ("sharpness, without a network", "modified-laplacian", "spatial-frequency"):
        page.get_by_label(method).check()
    page.get_by_role("button", name="Fuse by each").click()
    expect(page.locator("[data-layer]")).to_have_count(3)
    assert page.url.endswith("/compare")
    page.locator("[data-ready]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []
    page.get_by_role("button", name="1:1").click()
    page.wait_for_timeout(900)
    until(lambda: len(set(zooms(page))) == 1)
    before = zooms(page)
    assert len(before) == 3
    page.locator(".openseadragon-canvas").nth(2).hover()
    page.locator(".openseadragon-canvas").nth(2).focus()
    page.keyboard.press("=")
    until(lambda: min(zooms(page)) > before[0])
    until(lambda: len(set(zooms(page))) == 1)

    page.get_by_label("Homogeneous regions, outlined").check()
    page.locator('[data-outlined="true"]').wait_for()
    page.get_by_role("button", name="All", exact=True).click()
    page.wait_for_timeout(900)
    page.get_by_label("Dragging chooses it").check()
    view = page.locator(".view").nth(1)
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 80, middle[1] - 50)
    page.mouse.down()
    page.mouse.move(middle[0] + 80, middle[1] + 50, steps=4)
    page.mouse.up()
    scores = page.get_by_role("group", name="Scores").get_by_role("row")
    expect(scores).to_have_count(4)
    assert page.locator(".mark").count() == 3
    page.get_by_role("button", name="What is seen now").click()
    expect(page.get_by_text("pixels from (0, 0) on")).to_be_visible()
    assert serious(page) == []
    heading = scores.first.get_by_role("columnheader").first
    expect(heading).to_have_attribute("aria-label", "Click to sort table by Result in descending order")
    heading.press("Enter")
    expect(scores.nth(1)).to_contain_text("3: spatial-frequency")
    page.get_by_label("Width").fill("8")
    page.get_by_role("button", name="Score", exact=True).press("Enter")
    expect(page.locator("#scores").get_by_role("alert")).to_contain_text("expected sides of 32 or more")

    page.get_by_role("link", name="Vote blindly").click()
    for number, choice in enumerate(("The first one", "Neither", "The second one")):
        page.locator("[data-ready]").wait_for()
        expect(page.get_by_text(f"{number} vote")).to_be_visible()
        expect(page.locator(".mark")).to_have_count(2)
        assert max(page.evaluate(BLACK)) < 0.02
        page.get_by_role("button", name=choice).click()
    expect(page.get_by_text("3 votes so far")).to_be_visible()
    assert serious(page) == []
    page.get_by_role("link", name="Enough").click()
    expect(page.get_by_role("row")).to_have_count(4)
