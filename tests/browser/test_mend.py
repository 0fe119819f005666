"""Mending in a browser: paint, undo, do it again, keep."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.seeing import drawn, fused, sent, serious


def changed(page: Page, what: str, times: int) -> list[int]:
    """Do it, and wait until the picture has changed so many times; the colour in its middle."""
    page.get_by_role("button", name=what, exact=True).click()
    page.locator(f'[data-ready="{times}"]').wait_for()
    page.wait_for_timeout(900)
    return drawn(page, "view", 0.5, 0.5)


def test_a_brush_mends_the_map(page: Page, stack: list[Path]):
    sent(page, stack)
    fused(page, Alignment="none")
    page.get_by_role("link", name="Mend this one with a brush").click()
    page.locator('[data-ready="0"]').wait_for()
    page.get_by_label("Colour each part by its frame").fill("1")
    page.wait_for_timeout(900)
    assert serious(page) == []
    before = drawn(page, "view", 0.5, 0.5)

    page.get_by_label("Paint with the frame").select_option("frame 2.png")
    page.get_by_label("Brush, in pixels").fill("60")
    view = page.locator("[data-part=view]")
    box = view.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 40, middle[1])
    page.mouse.down()
    page.mouse.move(middle[0], middle[1], steps=4)
    page.mouse.move(middle[0] + 40, middle[1], steps=4)
    page.mouse.up()
    page.locator('[data-ready="1"]').wait_for()
    page.wait_for_timeout(900)
    painted = drawn(page, "view", 0.5, 0.5)
    assert painted == [253, 231, 37]  # the last frame's colour
    assert changed(page, "Undo", 2) == before
    assert changed(page, "Redo", 3) == painted
    expect(page.get_by_role("button", name="Redo")).to_be_disabled()
    page.get_by_label("Paint with the frame").select_option("frame 0.png")
    page.get_by_label("Even brightness").check()
    assert changed(page, "Paint one spot in the middle", 4) == [68, 1, 84]  # the first one's
    page.get_by_role("button", name="Keep it as a result").click()
    expect(page.get_by_role("heading", name="mended")).to_be_visible()
