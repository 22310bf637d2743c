"""A policy as one page of HTML that a council can publish: no script, no other file; for paper and for the dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from platesieve.domain.match import Disposition
from platesieve.policy.explain import NOBODY, explain, findings, summary
from platesieve.policy.fields import Field
from platesieve.policy.language import Publish, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from platesieve.policy.explain import Row
    from platesieve.policy.language import Policy

_FIELDS = {
    Field.PLATE: "Plate number",
    Field.ALTERNATIVES: "What else each character may be",
    Field.PLATE_REGION: "State or country of the plate",
    Field.TIME: "Date and time",
    Field.LOCATION: "Place",
    Field.DEVICE: "Which camera",
    Field.DIRECTION: "Direction of travel",
    Field.LANE: "Lane",
    Field.CONFIDENCE: "How sure the reader was",
    Field.CATEGORY: "Why the plate is wanted",
    Field.LIST: "Which list it is on",
    Field.PLATE_CROP: "Picture of the plate",
    Field.SCENE_CROP: "Picture of the vehicle",
    Field.TIME_QUALITY: "Whether the clock was right",
}
_SECTIONS = {
    Disposition.HIT: ("A plate on a hot list", "The plate was read for certain, and somebody is looking for it."),
    Disposition.MISS: ("A plate that nobody looks for", "The plate was read for certain, and it is on no list."),
    Disposition.UNSURE: ("A plate that was not read for certain", "Too few frames agree, or a character is doubtful."),
}
_REQUIRED = {
    Requirement.POLICY_DOCUMENT: "a written policy of the operator, named by its hash",
    Requirement.REGISTRATION: "the number under which it is registered",
    Requirement.OCCASION: "the order that says why, where and how long",
    Requirement.EXCLUDED_PLACES: "a drawing of the places where no reader may stand, and stands in none",
}
_MOUNTED = {"fixed": "stands in one place", "mobile": "is mounted to a vehicle"}
_VERIFIED = {"V": "primary text read", "C": "secondary source", "M": "from memory, unverified"}

# Colours keep a contrast of at least 4.5 : 1 in both schemes (WCAG 2.2, 1.4.3).
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f23; --soft: #57606a; --line: #d0d7de; --paper: #fff; --tint: #f3f5f7;
  --good: #0a5c36; --weigh: #7a4a00; --private: #8a1c4a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #a3abb3; --line: #3a4148; --paper: #14171a;
  --tint: #1f2428; --good: #6fd39b; --weigh: #f0b95a; --private: #f09abf; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, "Segoe UI", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .25rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .35rem 0 .8rem; }
.soft, .meta { color: var(--soft); }
.meta { font-size: .9rem; }
.answer { border-left: .3rem solid var(--good); padding: .6rem 1rem; background: var(--tint); margin: .8rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .6rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; min-width: 9rem; }
.private { color: var(--private); } .public { color: var(--good); }
ul { padding-left: 1.2rem; margin: .4rem 0 1rem; } li { margin: .25rem 0; }
.proved li::marker { content: "\\2713\\00a0\\00a0"; color: var(--good); }
.weigh li::marker { content: "!\\00a0\\00a0"; color: var(--weigh); font-weight: 700; }
code { font: .85em ui-monospace, Consolas, monospace; overflow-wrap: anywhere; }
a { color: inherit; overflow-wrap: anywhere; }
@media print { :root { color-scheme: light; --ink: #000; --soft: #333; --line: #999; --paper: #fff; --tint: #fff;
  --good: #000; --weigh: #000; --private: #000; } body { font-size: 10pt; } main { max-width: none; padding: 0; }
  .scroll { overflow: visible; } tr, li, .answer { break-inside: avoid; } h2, h3 { break-after: avoid; } }
"""


def page(policy: Policy) -> str:
    """Return the page. Everything from the policy is escaped; it loads nothing and runs nothing."""
    rows = explain(policy)
    body = "".join(
        (
            _head(policy),
            *(_section(policy, disposition, rows) for disposition in Disposition),
            _findings(policy),
            _conditions(policy),
            _clauses(policy),
            _list("What the law wants and no camera can do", policy.outside, ""),
            _sources(policy),
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(policy.title)}: what leaves the camera</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _head(policy: Policy) -> str:
    until = f", until {policy.expires}" if policy.expires else ""
    return (
        f"<h1>{escape(policy.title)}</h1>\n"
        '<p class="soft">What a licence-plate reader under this policy tells, to whom, and for how long.</p>\n'
        f'<p class="meta">Policy <code>{escape(policy.id)}</code>, version {escape(policy.version)}, '
        f"{escape(policy.jurisdiction)}; in force from {policy.effective}{until}.<br>"
        f"SHA-256 <code>{policy.sha256}</code>: the same figure stands in every message and in the audit log.</p>\n"
        '<div class="answer"><p><strong>In short.</strong></p>\n<ul>'
        + "".join(
            f"<li><strong>{_SECTIONS[disposition][0]}:</strong> {escape(summary(policy, disposition))}.</li>"
            for disposition in Disposition
        )
        + "</ul></div>\n<p>This page says what the device does. It does not say that an agency complies with a law: "
        "who may open an alert, and what is done with it, is outside a camera.</p>\n"
    )


def _section(policy: Policy, disposition: Disposition, rows: Iterable[Row]) -> str:
    title, meaning = _SECTIONS[disposition]
    section = policy.section(disposition)
    mine = [row for row in rows if row.disposition is disposition]
    leaving = [row for row in mine if row.who != NOBODY]
    dropped = ", ".join(_FIELDS[row.field].lower() for row in mine if row.who == NOBODY)
    told = (
        "Only the time of the window, and how many."
        if section.publish is Publish.AGGREGATE and not leaving
        else "Nothing about such a vehicle leaves the camera."
    )
    table = _table(
        ("What", "Leaves as", "Class", "Why", "For how long", "Who can open it"), (_cells(row) for row in leaving)
    )
    return (
        f'<h2>{title}</h2>\n<p class="soft">{meaning}</p>\n'
        f'<div class="answer">{escape(_capital(summary(policy, disposition)))}.</div>\n'
        + (table if leaving else f"<p>{told}</p>\n")
        + (f"<p><strong>Never leaves:</strong> {escape(dropped)}.</p>\n" if leaving and dropped else "")
    )


def _cells(row: Row) -> tuple[str, ...]:
    kind = row.classification.value
    return (
        f'<th scope="row">{_FIELDS[row.field]}</th>',
        f"<td>{escape(row.leaves)}</td>",
        f'<td class="{kind}">{kind}</td>',
        f"<td>{escape(row.why)}</td>",
        f"<td>{escape(row.how_long)}</td>",
        f"<td>{escape(row.who)}</td>",
    )


def _findings(policy: Policy) -> str:
    known = findings(policy)
    proved = [finding.sentence for finding in known if finding.level == "proved"]
    weigh = [finding.sentence for finding in known if finding.level == "warning"]
    return _list("What follows from the policy", proved, "proved") + _list("What to weigh", weigh, "weigh")


def _conditions(policy: Policy) -> str:
    needs = [_REQUIRED[requirement] for requirement in Requirement if requirement in policy.requires]
    lines = [_MOUNTED[policy.mounts[0]]] if len(policy.mounts) == 1 else []
    lines += [f"belongs to an operator of kind: {', '.join(policy.operators)}"] if policy.operators else []
    lines += [f"has {need}" for need in needs]
    return _list("A device reads under this policy only if it", lines, "")


def _clauses(policy: Policy) -> str:
    if not policy.clauses:
        return ""
    rows = (
        (
            f'<th scope="row">{escape(row.clause)}</th>',
            f"<td>{escape(row.rule)}</td>",
            f"<td><code>{escape(row.test)}</code></td>",
            f"<td>{_VERIFIED[row.verified]}</td>",
        )
        for row in policy.clauses
    )
    return (
        "<h2>From the law to a test</h2>\n"
        "<p>Each rule is shown by an automatic test of the software.</p>\n"
        + _table(("Clause", "What the device does", "Shown by", "Clause taken from"), rows)
    )


def _sources(policy: Policy) -> str:
    items = "".join(
        f"<li><code>{escape(source.url)}</code>, read {escape(source.read)}. {escape(source.verified)}</li>"
        for source in policy.sources
    )
    key = "V: the primary text was read. C: a secondary source. M: from memory, not verified."
    return f'<h2>Sources</h2>\n<ul>{items}</ul>\n<p class="meta">{key}</p>\n' if items else ""


def _list(title: str, sentences: Iterable[str], kind: str) -> str:
    items = "".join(f"<li>{escape(_capital(sentence))}</li>" for sentence in sentences)
    return f'<h2>{escape(title)}</h2>\n<ul class="{kind}">{items}</ul>\n' if items else ""


def _table(titles: Iterable[str], rows: Iterator[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    body = "".join(f"<tr>{''.join(cells)}</tr>\n" for cells in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n'


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
