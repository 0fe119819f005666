"""A report as a page: its text is text, its pictures are in it, and nothing of it asks anybody."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.markdown import markdown_text, one_line, pipe_table
from bridgetune.pages import Chart, Line, Slider, page
from tests.support.browser import chromium

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


HOSTILE = (
    "<script>alert(1)</script>",
    "</title><b>",
    "![x](http://evil/x.png)",
    "[x](javascript:x)",
    "$<b>$",
    "$Q_{x}$",
    '" onload=x',
    "<!-- ",
    "a\n\n# b",
)

TEXTS = (
    st.text(max_size=30)
    | st.text("ab\\`*_|<>[]()$~&#;:/.!+-=1 \n\x1b\u202e{}^", max_size=20)
    | st.sampled_from(HOSTILE)
)


class Read(HTMLParser):
    """A page as a browser takes it: elements with their attributes, and the text of the body."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.texts[tag][-1] += data


def text_of(source: str, tag: str) -> list[str]:
    return [" ".join(text.split()) for text in Read(source).texts.get(tag, [])]


def tags(source: str) -> list[str]:
    return [tag for tag, _ in Read(source).elements]


PLAIN = page("plain", ["# plain\n\n" + pipe_table(["x"], [["x"]])])


@given(TEXTS)
def test_whatever_stands_in_a_file_is_text(text: str):
    said = markdown_text(text)
    made = page(text, [f"# plain{said}\n\n" + pipe_table(["x"], [[f"x{said}"]])])
    assert tags(made) == tags(PLAIN)
    shown = " ".join(one_line(text).split())
    assert text_of(made, "td") == [" ".join(f"x{one_line(text)}".split())]
    assert text_of(made, "title") == [shown]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_names_beside_a_slider_are_text(text: str):
    made = page("x", [Slider(text, text, (PNG, PNG))])
    assert tags(made) == tags(page("x", [Slider("A", "B", (PNG, PNG))]))
    (label,) = [found["aria-label"] for tag, found in Read(made).elements if tag == "img-comparison-slider"]
    assert label is not None
    assert label.endswith("arrow keys move it")


def test_pictures_are_in_the_page_and_what_it_does_not_have_is_beside_it():
    made = page(
        "x", ["![seen](figures/a.png)\n\n![not](figures/b.png)\n\n[table](tables/a.csv)"], {"figures/a.png": PNG}
    )
    found = Read(made).elements
    sources = [attributes["src"] for tag, attributes in found if tag == "img"]
    assert sources == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}", "figures/b.png"]
    assert [attributes["href"] for tag, attributes in found if tag == "a"] == ["tables/a.csv"]


def test_nothing_of_it_may_ask_anybody():
    policies = [
        attributes["content"] for tag, attributes in Read(PLAIN).elements if attributes.get("http-equiv") is not None
    ]
    assert policies
    assert "default-src 'none'" in str(policies[0])
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", PLAIN)


@pytest.mark.parametrize(
    ("cell", "sorted_by"),
    [
        ("0.7586 ± 0.0012", "0.7586"),
        ("**1,234**", "1234"),
        ("−0.10%", "-0.10"),
        ("<ins>3.1e−05</ins>", "3.1e-05"),
        ("–", ""),
        ("DRPL", None),
    ],
)
def test_cells_are_sorted_by_the_number_that_they_begin_with(cell: str, sorted_by: str | None):
    made = page("x", [pipe_table(["a"], [[cell]])])
    (found,) = [attributes for tag, attributes in Read(made).elements if tag == "td"]
    assert found.get("data-sort") == sorted_by


def test_formulas_are_set_and_a_dollar_is_one():
    made = page("x", [r"$Q^{AB/F}_{mean}$ and \$5\$"])
    assert "<i>Q</i><sup>AB/F</sup><sub>mean</sub> and $5$" in made


def test_html_in_a_report_is_shown_and_comments_are_not():
    made = page("x", ["<ins>second</ins> <b onclick=x>\n\n<script>alert(1)</script>\n\n<!-- As written -->"])
    assert tags(made).count("ins") == 1
    assert "b" not in tags(made)
    assert "As written" not in made
    assert tags(made).count("script") == tags(PLAIN).count("script")


def chart(title: str = "loss") -> Chart:
    steps = np.arange(5.0)
    return Chart(title, "step", "nats", (Line(title, steps, steps**2, "#000000ff"),))


def drawn(source: str, folder: Path) -> tuple[str, str]:
    """The page as Chromium has it once its scripts have run, and what it says of errors."""
    browser = chromium()
    (folder / "report.html").write_text(source, encoding="utf-8")
    asked = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--enable-logging=stderr"]
    done = subprocess.run(
        [browser, *asked, f"--user-data-dir={folder / 'profile'}", "--dump-dom", str(folder / "report.html")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def with_all(charts: Mapping[str, Sequence[Chart]]) -> str:
    parts: list[str | Slider] = ["![curves](figures/a.png)\n\n" + pipe_table(["n"], [["2"], ["1"]])]
    return page("x", [*parts, Slider("A", "B", (PNG, PNG))], {"figures/a.png": PNG}, charts)


def test_a_browser_draws_it_without_a_complaint(tmp_path: Path):
    hostile = "</script><img src=x onerror=alert(1)>"
    shown, complaints = drawn(with_all({"figures/a.png": [chart(), chart(hostile)]}), tmp_path)
    assert complaints == ""
    assert shown.count("<canvas") == 2
    assert 'img-comparison-slider tabindex="0"' in shown
    assert 'class="rendered"' in shown
    assert 'aria-label="Click to sort table by n in descending order"' in shown
    assert "onerror" not in re.sub(r"<script.*?</script>|&lt;img[^&]*&gt;", "", shown, flags=re.S)
