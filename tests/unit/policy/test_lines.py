"""Where keys stand: every way in which TOML can write a table."""

from __future__ import annotations

import tomllib

import pytest

from platesieve.policy.lines import Path, line_of, locate

TEXT = '''# a comment = "with"
a = 1
"b c".d = { e = [1,
  2, { f = """
x = 1
[no]
""", g = 'h#' }], i = "]" } # [not.a.table]
[t]
'u.v' = 1979-05-27T07:32:00Z
w.x = true
[[s]]
n = 1
[[s]]
n = 2
[s.sub]
m = 3
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2),
        (("b c", "d", "e", 1), 4),
        (("b c", "d", "e", 2, "f"), 4),
        (("b c", "d", "e", 2, "g"), 7),
        (("b c", "d", "i"), 7),
        (("t", "u.v"), 9),
        (("t", "w", "x"), 10),
        (("s", 0, "n"), 12),
        (("s", 1, "n"), 14),
        (("s", 1, "sub", "m"), 16),
        (("t", "gone"), 8),
    ],
)
def test_each_key_has_its_line(path: Path, line: int) -> None:
    """Quoted and dotted keys, inline tables, arrays over lines, multi-line strings, arrays of tables."""
    tomllib.loads(TEXT)

    assert line_of(path, locate(TEXT)) == line


def test_what_stands_nowhere_has_no_line() -> None:
    """A missing key of the top level is not in the file."""
    assert line_of(("gone",), locate(TEXT)) is None


@pytest.mark.parametrize("text", ["", "a", "a = ", "[", "[[x]", "a = [", 'a = "', "a = {", "=", "a.b.", "]"])
def test_other_text_does_no_harm(text: str) -> None:
    """It is only ever given valid TOML, but raises for nothing."""
    assert isinstance(locate(text), dict)
