"""Pieces of GitHub's Markdown."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bridgetune.markdown import markdown_code, markdown_text, one_line, pipe_table

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

TEXTS = (
    st.text()
    | st.text("ab\\`*_|<>[]()$~&#;:/.!+-=1 \n\r\t\x1b\u202e")
    | st.sampled_from(
        [
            "<script>alert(1)</script>",
            "![x](http://evil/x.png)",
            "[x](javascript:x)",
            "http://evil.example",
            "www.evil.example",
            "&lt;b&gt;",
            "&#60;",
            "# heading",
            "- list",
            "+ list",
            "1. list",
            "1) list",
            "---",
            "===",
            "a\n\n# b",
            "| a | b |",
            "~~struck~~",
            "```",
            "<!-- ",
        ]
    )
)


def shown(text: str) -> str:
    """What a reader sees of a text in one line."""
    return " ".join(one_line(text).split())


def read(markdown: str) -> list[Token]:
    return [inner for token in READER.parse(markdown) for inner in (token, *(token.children or ()))]


def words(tokens: list[Token]) -> str:
    return " ".join("".join(token.content for token in tokens if token.type in ("text", "text_special")).split())


@given(TEXTS)
def test_no_part_of_a_text_is_anything_but_text(text: str):
    tokens = read(f"- {markdown_text(text)}")
    kinds = {token.type for token in tokens} - {"inline", "paragraph_open", "paragraph_close"}
    assert kinds <= {
        "bullet_list_open",
        "list_item_open",
        "text",
        "text_special",
        "list_item_close",
        "bullet_list_close",
    }
    assert words(tokens) == shown(text)


@given(TEXTS)
def test_a_text_stays_in_its_cell(text: str):
    tokens = read(pipe_table(["a", "b"], [[markdown_text(text), "x"]]))
    cells = [inner for token, inner in pairwise(tokens) if token.type == "td_open"]
    assert [words(list(cell.children or ())) for cell in cells] == [shown(text), "x"]
    assert {token.type for cell in cells for token in cell.children or ()} <= {"text", "text_special"}


@given(TEXTS)
def test_code_is_code_to_its_end(text: str):
    tokens = [token for token in read(f"- {markdown_code(text)}: it") if token.type not in ("inline",)]
    if shown(text):
        (code,) = [token for token in tokens if token.type == "code_inline"]
        assert " ".join(code.content.split()) == shown(text)
    assert not any(token.type in ("html_inline", "link_open", "image", "strong_open") for token in tokens)


def test_addresses_are_no_links():
    assert markdown_text("http://evil.example") == r"http\://evil.example"
    assert markdown_text("see www.evil.example") == r"see www\.evil.example"


def test_what_cannot_be_seen_is_shown():
    assert markdown_text("a\x1b[31mb\u202ec") == r"a\\x1b\[31mb\\u202ec"


def test_numbers_stand_to_the_right_and_names_to_the_left():
    assert pipe_table(["Method", "Q", "Note"], [["DRPL", "0.7", "own"], ["MSFIN", "12", ""]], left=(0, 2)) == (
        "| Method | Q | Note |\n| :-- | --: | :-- |\n| DRPL | 0.7 | own |\n| MSFIN | 12 |  |"
    )
