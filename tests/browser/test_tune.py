"""Tuning in a browser: a run goes on when the page is closed, is seen again, stopped, and gone on with."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from bridgetune.app.server import Page as Served
from tests.browser.seeing import serious
from tests.support.pages import until

EXPOSED = "slider => slider.value"
"""Of a slider: how much of its left picture is seen, in per cent."""


def test_a_run_goes_on_while_the_page_is_closed(page: Page, address: str, served: Served):
    page.get_by_role("link", name="Tune", exact=True).click()
    assert serious(page) == []
    page.get_by_label("Pairs with masks").select_option("ready")
    page.get_by_label("Adversarial weight α").fill("0.2")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#at-clear").get_by_role("alert")).to_contain_text("References, sharp: none is chosen")
    page.get_by_label("References, sharp").select_option("clear")
    page.get_by_label("References, blurred").select_option("clear")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#at-blurred").get_by_role("alert")).to_contain_text("in the same folder as the sharp ones")
    page.get_by_label("References, blurred").select_option("blurred")
    page.get_by_label("Steps", exact=True).fill("100000")
    page.get_by_text("All settings of the training").click()
    page.get_by_label("Learning rate").fill("11")
    page.get_by_role("button", name="Begin").click()
    refused = page.locator("#at-learning_rate").get_by_role("alert")
    expect(refused).to_contain_text("Learning rate: got 11; input should be less than or equal to 10")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Learning rate").fill("0.001")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="Stop").wait_for()
    page.goto("about:blank")
    assert served.workshop is not None
    assert served.workshop.runs()[0].goes_on
    page.goto(address)
    page.get_by_role("link", name="Tune", exact=True).click()
    page.get_by_role("link", name="bridgemff-1").click()
    expect(page.locator(".chart img").first).to_be_visible()
    slider = page.get_by_label("map before tuning left of the line")
    slider.scroll_into_view_if_needed()
    before = slider.evaluate(EXPOSED)
    slider.press("ArrowRight", delay=300)
    until(lambda: slider.evaluate(EXPOSED) != before)
    assert serious(page) == []
    page.get_by_text("Its files").click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="config.json").click()
    assert json.loads(Path(taken.value.path()).read_text())["stage"] == "finetune"
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on with it")).to_be_visible()
    page.get_by_role("button", name="Go on with it").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on with it")).to_be_visible()
    page.get_by_text("The report, with curves to point at").click()
    expect(page.get_by_text("The report is being made")).to_be_visible()
    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Maps of held-out pairs")).to_be_visible()
