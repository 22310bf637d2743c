"""The page of a policy: whole in itself, everything escaped, every field and clause on it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from platesieve.cli.policy import app
from platesieve.domain.errors import InputError
from platesieve.policy.load import load_pack
from platesieve.policy.packs import pack_ids
from platesieve.policy.page import page

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Notes tags, attributes and text, and whether every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Hold that tags close in order."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


@pytest.mark.parametrize("pack_id", pack_ids())
def test_a_page_is_whole_in_itself(pack_id: str) -> None:
    """No script, no link, no picture, no address to load from; all tags closed; its policy by hash."""
    policy = load_pack(pack_id)
    text = page(policy)
    seen = Reader(text)

    assert not seen.open
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(seen.tags)
    assert not {"src", "href", "onload", "onclick", "style"} & seen.attributes
    assert "url(" not in text
    assert "@import" not in text
    assert policy.sha256 in seen.text
    assert "does not say that an agency complies" in seen.text
    assert all(row.rule in seen.text for row in policy.clauses)
    assert all(source.url in seen.text for source in policy.sources)


def test_a_page_has_both_schemes_and_a_shape_on_paper() -> None:
    """Light and dark, print, a language, a title, and tables that say what their columns are."""
    text = page(load_pack("us-mn"))

    for needed in ("prefers-color-scheme: dark", "@media print", '<html lang="en">', "<title>", 'scope="col"'):
        assert needed in text


def test_what_a_policy_says_is_text_on_the_page() -> None:
    """A title that is a tag stays text."""
    seen = Reader(page(replace(load_pack("us-mn"), title="<script>alert(1)</script>")))

    assert "script" not in seen.tags
    assert "<script>alert(1)</script>" in seen.text


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    """To the file that was named; a folder that is not there is refused."""
    target = tmp_path / "us-nh.html"

    assert CliRunner().invoke(app, ["explain", "us-nh", "--html", str(target)]).exit_code == 0
    assert target.read_text().startswith("<!doctype html>")
    refused = CliRunner().invoke(app, ["explain", "us-nh", "--html", str(tmp_path / "gone" / "x.html")])
    assert isinstance(refused.exception, InputError)
