"""`platesieve policy`: what the laws that ship say, and whether your own is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platesieve.cli.options import JsonOption
from platesieve.cli.speech import console, print_json, print_line
from platesieve.domain.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.policy.explain import Row
    from platesieve.policy.language import Policy

app = typer.Typer(help="List, show, check, explain, compare and try policies.", no_args_is_help=True)

PolicyArgument = Annotated[str, typer.Argument(metavar="FILE_OR_ID", help="A policy file, or the id of a pack.")]


@app.command("list")
def list_packs(as_json: JsonOption = False) -> None:
    """List the policies that ship.

    Examples:

      platesieve policy list

      platesieve policy list --json
    """
    from platesieve.policy.load import load_pack
    from platesieve.policy.packs import pack_ids

    packs = [load_pack(pack_id) for pack_id in pack_ids()]
    if as_json:
        print_json([_facts(policy) for policy in packs])
        return
    from rich.table import Table

    table = Table("id", "title", "for", "readers", "version", box=None, padding=(0, 2, 0, 0))
    for policy in packs:
        table.add_row(policy.id, policy.title, policy.jurisdiction, ", ".join(policy.mounts), policy.version)
    console().print(table)


@app.command()
def show(policy: PolicyArgument, as_json: JsonOption = False) -> None:
    """Print a policy as it is written: with its comments, to read or to begin your own from.

    Examples:

      platesieve policy show us-mn

      platesieve policy show us-mn > ours.toml
    """
    text, name = _read(policy)
    if as_json:
        print_json(_facts(_load(text, name)) | {"text": text.decode()})
        return
    typer.echo(text.decode(errors="replace"), nl=False)


@app.command()
def check(
    policies: Annotated[list[str], typer.Argument(metavar="FILE_OR_ID...", help="Policy files or ids of packs.")],
    as_json: JsonOption = False,
) -> None:
    """Check policies: every fault with its line, else what is proved and what to weigh. Warnings are no faults.

    Exit code 78 when one is wrong.

    Examples:

      platesieve policy check ours.toml

      platesieve policy check us-mn us-nh --json
    """
    from platesieve.policy.explain import findings

    checked = _load_all(policies)
    if as_json:
        print_json(
            [
                _facts(policy) | {"findings": [{"level": f.level, "sentence": f.sentence} for f in findings(policy)]}
                for policy in checked
            ]
        )
        return
    for policy in checked:
        print_line(f"[bold]{policy.id}[/] {policy.version}  sha256 {policy.sha256}")
        for finding in findings(policy):
            mark = "[green]proved [/]" if finding.level == "proved" else "[yellow]weigh  [/]"
            print_line(f"  {mark} {finding.sentence}")


@app.command()
def explain(
    policy: PolicyArgument,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one page that can be published: no script, no other file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say in plain words what leaves for a hit, a miss and an unsure read: why, how long, and who can open it.

    Examples:

      platesieve policy explain us-nh

      platesieve policy explain ours.toml --html ours.html
    """
    from dataclasses import asdict

    from platesieve.domain.match import Disposition
    from platesieve.policy import explain as words

    loaded = _load(*_read(policy))
    if html is not None:
        from platesieve.policy.page import page

        _write(html, page(loaded))
        return
    rows = words.explain(loaded)
    if as_json:
        summaries = {disposition.value: words.summary(loaded, disposition) for disposition in Disposition}
        told = [asdict(row) for row in rows]
        clauses = [asdict(row) for row in loaded.clauses]
        print_json(_facts(loaded) | {"summary": summaries, "rows": told, "clauses": clauses})
        return
    _print_rows(loaded, rows)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A policy file, or the id of a pack.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it is compared with.")],
    as_json: JsonOption = False,
) -> None:
    """Say what becomes stricter and what looser from one policy to another.

    Exit code 1 when anything becomes looser, or is neither: somebody has to look at it before it is signed.

    Examples:

      platesieve policy diff us-mn ours.toml

      platesieve policy diff old.toml new.toml --json
    """
    from platesieve.policy.diff import differences

    changes = differences(_load(*_read(old)), _load(*_read(new)))
    looser = [change for change in changes if change.direction == "looser"]
    if as_json:
        print_json([{"direction": change.direction, "sentence": change.sentence} for change in changes])
    else:
        from rich.markup import escape

        colours = {"looser": "red", "stricter": "green", "other": "yellow"}
        for direction in ("looser", "stricter", "other"):
            for change in changes:
                if change.direction == direction:
                    mark = f"[{colours[direction]}]{direction:<8}[/]"
                    print_line(f"{mark}  {escape(change.sentence)}")
        if not changes:
            console().print("nothing changes in what they let through")
    if looser:
        raise typer.Exit(1)


@app.command("test")
def try_cases(
    files: Annotated[
        list[Path], typer.Argument(metavar="CASES...", help="Files of cases: given a vehicle, what leaves.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Try a policy on cases: each names a vehicle, and what must leave of it and in which form.

    A file names its policy (a pack, or a file beside it) and holds [[cases]] with name, given, leaves and fields.
    Exit code 1 when a case does not hold.

    Examples:

      platesieve policy test ours.cases.toml
    """
    from platesieve.policy.cases import load_cases, run_case

    results: list[dict[str, object]] = []
    for file in files:
        text, name = _read(str(file))
        cases = load_cases(text, name)
        beside = file.parent / cases.policy
        policy = _load(*_read(str(beside) if beside.is_file() else cases.policy))
        for number, case in enumerate(cases.cases, start=1):
            outcome = run_case(policy, case, number)
            results.append({"file": name, "case": outcome.name, "faults": list(outcome.faults)})
    failed = [result for result in results if result["faults"]]
    if as_json:
        print_json(results)
    else:
        from rich.markup import escape

        for result in results:
            mark = "[red]fails[/]" if result["faults"] else "[green]holds[/]"
            print_line(f"{mark}  {escape(str(result['case']))}")
            for fault in result["faults"]:  # type: ignore[attr-defined]
                print_line(f"       {escape(fault)}")
        console().print(f"{len(results) - len(failed)} of {len(results)} cases hold")
    if failed:
        raise typer.Exit(1)


def _print_rows(loaded: Policy, rows: Sequence[Row]) -> None:
    """Print a table for each disposition, and the clauses."""
    from rich.markup import escape
    from rich.table import Table

    from platesieve.domain.match import Disposition
    from platesieve.policy import explain as words

    out = console()
    print_line(f"[bold]{escape(loaded.title)}[/] ({loaded.id}, {loaded.version})")
    for disposition in Disposition:
        print_line(f"\n[bold]{disposition}[/]: {words.summary(loaded, disposition)}")
        mine = [row for row in rows if row.disposition is disposition]
        leaving = [row for row in mine if row.leaves != "nothing"]
        if leaving:
            table = Table(
                "field", "what leaves", "class", "why", "how long", "who can open it", box=None, padding=(0, 2, 0, 0)
            )
            for row in leaving:
                cells = (row.leaves, row.classification.value, escape(row.why), row.how_long, row.who)
                table.add_row(row.field.value, *cells)
            out.print(table)
        dropped = ", ".join(row.field.value for row in mine if row.leaves == "nothing")
        print_line(f"dropped: {dropped}")
    if loaded.clauses:
        table = Table("clause", "what the device does", "taken from", box=None, padding=(0, 2, 0, 0))
        for clause in loaded.clauses:
            table.add_row(escape(clause.clause), escape(clause.rule), clause.verified)
        out.print("\n[bold]clauses[/] (V: primary text read, C: secondary source, M: from memory)", table)
    for sentence in loaded.outside:
        print_line(f"outside a camera: {escape(sentence)}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path.name} cannot be written: {error.strerror}", "give a path that is writable") from error


def _load_all(names: list[str]) -> list[Policy]:
    """Return all, or the faults of all."""
    loaded: list[Policy] = []
    problems: list[str] = []
    for name in names:
        try:
            loaded.append(_load(*_read(name)))
        except ConfigError as error:
            if not error.problems:
                raise
            problems += error.problems
    if problems:
        raise ConfigError(
            f"{len(problems)} fault{'s' if len(problems) != 1 else ''} in {len(names) - len(loaded)} of {len(names)} "
            f"polic{'ies' if len(names) != 1 else 'y'}",
            "correct each line that is named; `platesieve policy show us-mn` prints a policy that is right",
            tuple(problems),
        )
    return loaded


def _load(text: bytes, name: str) -> Policy:
    from platesieve.policy.load import load_policy

    return load_policy(text, name)


def _read(name: str) -> tuple[bytes, str]:
    """Return the bytes of a file, or of a pack where no file has this name, and what to call them."""
    from platesieve.adapters.disk.policy_file import policy_text

    return policy_text(name)


def _facts(policy: Policy) -> dict[str, object]:
    return {
        "id": policy.id,
        "title": policy.title,
        "version": policy.version,
        "jurisdiction": policy.jurisdiction,
        "mounts": list(policy.mounts),
        "effective": policy.effective.isoformat(),
        "expires": policy.expires.isoformat() if policy.expires else None,
        "sha256": policy.sha256,
        "recipients": sorted(policy.recipients),
        "operators": list(policy.operators),
        "requires": sorted(policy.requires),
        "sources": [{"url": s.url, "read": s.read, "verified": s.verified} for s in policy.sources],
    }
