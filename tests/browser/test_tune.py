"""Tuning in a browser: a run goes on when the page is closed, is seen again, stopped, and gone on with."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from bridgetune.app.server import Page as Served
from tests.browser.seeing import serious


def test_a_run_goes_on_while_the_page_is_closed(page: Page, address: str, served: Served):
    page.get_by_role("link", name="Tune", exact=True).click()
    assert serious(page) == []
    page.get_by_label("Pairs with masks").select_option("ready")
    page.get_by_label("Steps").fill("3000")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="Stop").wait_for()
    page.goto("about:blank")
    assert served.workshop is not None
    assert served.workshop.runs()[0].goes_on
    page.goto(address)
    page.get_by_role("link", name="Tune", exact=True).click()
    page.get_by_role("link", name="bridgemff-1").click()
    expect(page.locator(".chart img").first).to_be_visible()
    assert serious(page) == []
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on with it")).to_be_visible()
    page.get_by_role("button", name="Go on with it").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on with it")).to_be_visible()
