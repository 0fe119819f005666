"""Fusing in a browser: pictures in, progress, the curtain, the map, views that follow one another, files out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from bridgetune.app.server import Page as Served
from bridgetune.app.work import Task
from bridgetune.pictures import read_image, read_whole_image
from tests.browser.conftest import DESK, TELEPHONE
from tests.browser.seeing import drawn, fused, sent, serious, zooms
from tests.support.pages import hold


@pytest.mark.parametrize("page", [DESK, TELEPHONE], ids=["desk", "telephone"], indirect=True)
def test_a_stack_from_the_drop_to_the_file(page: Page, stack: list[Path], tmp_path: Path):
    assert serious(page) == []
    sent(page, stack)
    assert serious(page) == []
    expect(page.locator(".cards li")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    fused(page)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    box = page.locator("[data-part=view]").bounding_box()
    assert box is not None
    assert box["height"] <= box["width"] * 192 / 288 + 1  # no black above and below the picture

    curtain = page.get_by_role("slider", name="Line between both")
    page.get_by_label("Right of it").select_option("difference from frame 0.png, enlarged")
    curtain.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(900)
    picture = drawn(page, "view", 0.25, 0.5)
    assert max(picture) < 40  # the frame is sharp there: no difference
    page.keyboard.press("End")
    page.wait_for_timeout(300)
    assert drawn(page, "view", 0.25, 0.5) != picture

    before = drawn(page, "view", 0.5, 0.5)
    page.get_by_label("Colour each part by its frame").fill("1")
    page.wait_for_timeout(900)
    assert drawn(page, "view", 0.5, 0.5) != before

    with page.expect_download() as taken:
        page.get_by_role("link", name="Picture, TIFF").click()
    taken.value.save_as(tmp_path / "fused.tif")
    assert read_whole_image(tmp_path / "fused.tif").size == (192, 288)


@pytest.mark.parametrize("page", [DESK, TELEPHONE], ids=["desk", "telephone"], indirect=True)
def test_an_example_is_taken_by_a_press(page: Page):
    example = page.get_by_role("button", name="in two pictures").first
    expect(example).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    example.press("Enter")
    expect(page.get_by_role("button", name="Fuse", exact=True)).to_be_visible()
    expect(page.locator(".cards li")).to_have_count(2)


def test_views_follow_one_another_down_to_the_pixel(page: Page, stack: list[Path]):
    sent(page, stack)
    fused(page, Alignment="none")
    page.get_by_label("Side by side").check()
    for button in ("1:1", "Larger"):
        page.get_by_role("button", name=button).click()
        page.wait_for_timeout(900)
    before = zooms(page)
    assert before[0] == before[1]
    beside = page.locator("[data-part=beside] .openseadragon-canvas")
    beside.hover()
    beside.focus()
    page.keyboard.press("-")
    page.wait_for_timeout(900)
    after = zooms(page)
    assert after[0] == after[1] < before[0]


def test_the_page_works_by_keyboard(page: Page, stack: list[Path]):
    sent(page, stack[:2])
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('button.main')"):
            break
    page.keyboard.press("Enter")
    page.locator("figure[data-ready]").wait_for()


def test_work_goes_on_while_nobody_looks_and_stops_when_it_is_told(page: Page, served: Served, stack: list[Path]):
    sent(page, stack)
    place = page.url
    held = Task(hold)
    served.worker.submit(held)
    page.get_by_role("button", name="Fuse", exact=True).click()
    page.get_by_role("progressbar").wait_for()
    page.goto("about:blank")
    page.goto(place)
    expect(page.get_by_text("Waiting: 1 before this one")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_have_text("Stopped.")
    held.stop()


def test_what_cannot_be_taken_is_one_line(page: Page, stack: list[Path], tmp_path: Path):
    notes, huge = tmp_path / "<script>alert(1)<.txt", tmp_path / "huge.tif"
    notes.write_text("Dear diary")
    with huge.open("wb") as file:
        file.truncate(200_000_000)
    page.get_by_label("here, or choose them").set_input_files([huge, stack[0]])
    expect(page.get_by_role("alert")).to_contain_text("huge.tif: has 200 MB, expected at most 160 MB")
    many = [{"name": f"{number}.png", "mimeType": "image/png", "buffer": b"x"} for number in range(500)]
    page.get_by_label("here, or choose them").set_input_files(many)
    expect(page.get_by_role("alert")).to_contain_text("pictures: got more than 300")
    page.get_by_label("here, or choose them").set_input_files([notes, stack[0]])
    expect(page.get_by_role("alert")).to_contain_text("1 can be read, expected two or more")
    expect(page.locator("p.line").last).to_contain_text("<script>alert(1)<.txt")
    assert serious(page) == []


def test_what_is_looked_at_is_the_file_that_is_taken_away(page: Page, stack: list[Path], tmp_path: Path):
    sent(page, stack)
    fused(page, Alignment="none")
    page.get_by_role("slider", name="Line between both").fill("1")
    page.get_by_role("button", name="All", exact=True).click()
    page.wait_for_timeout(900)
    with page.expect_download() as taken:
        page.get_by_role("link", name="Picture, PNG").click()
    taken.value.save_as(tmp_path / "fused.png")
    pixels = read_image(tmp_path / "fused.png").pixels
    assert np.abs(np.array(drawn(page, "view", 0.5, 0.5)) - pixels[90:102, 140:148].mean((0, 1))).max() < 60
