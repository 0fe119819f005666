"""What is done on the page, and what is seen on it."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

DRAWN = """([part, x, y]) => {
    const canvas = document.querySelector(`[data-part="${part}"] canvas`);
    return [...canvas.getContext("2d").getImageData(x * canvas.width, y * canvas.height, 1, 1).data].slice(0, 3);
}"""

ZOOMS = """() => [...document.querySelectorAll(".view:not([hidden])")].map(
    view => OpenSeadragon.getViewer(view).viewport.getZoom(true))"""


def sent(page: Page, paths: list[Path]) -> None:
    """Send pictures, and wait until they can be fused."""
    page.get_by_label("here, or choose them").set_input_files(paths)
    expect(page.get_by_role("button", name="Fuse", exact=True)).to_be_visible()


def fused(page: Page, **chosen: str) -> None:
    """Fuse them with what is chosen by its label, and wait until the result is seen."""
    if chosen:
        page.get_by_text("More choices").click()
    for label, value in chosen.items():
        page.get_by_label(label, exact=True).select_option(value)
    page.get_by_role("button", name="Fuse", exact=True).click()
    page.locator("figure[data-ready]").wait_for()
    page.wait_for_timeout(600)  # tiles fade in


def drawn(page: Page, part: str, right: float, down: float) -> list[int]:
    """The colour that a view shows at shares of its sides."""
    colour: list[int] = page.evaluate(DRAWN, [part, right, down])
    return colour


def zooms(page: Page) -> list[float]:
    """Of all views that are seen."""
    found: list[float] = page.evaluate(ZOOMS)
    return found


def serious(page: Page) -> list[str]:
    """What keeps somebody from using the page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]
