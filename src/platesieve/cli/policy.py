"""`platesieve policy`: what the laws that ship say, and whether your own is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platesieve.cli.options import JsonOption
from platesieve.cli.speech import console, print_json
from platesieve.domain.errors import ConfigError, InputError

if TYPE_CHECKING:
    from platesieve.policy.language import Policy

app = typer.Typer(help="List, show, check and explain policies.", no_args_is_help=True)

_MAX_BYTES = 1 << 20
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
        console().print(f"[bold]{policy.id}[/] {policy.version}  sha256 {policy.sha256}", soft_wrap=True)
        for finding in findings(policy):
            mark = "[green]proved [/]" if finding.level == "proved" else "[yellow]weigh  [/]"
            console().print(f"  {mark} {finding.sentence}", soft_wrap=True)


@app.command()
def explain(policy: PolicyArgument, as_json: JsonOption = False) -> None:
    """Say in plain words what leaves for a hit, a miss and an unsure read: why, how long, and who can open it.

    Examples:

      platesieve policy explain us-nh

      platesieve policy explain ours.toml --json
    """
    from dataclasses import asdict

    from platesieve.domain.match import Disposition
    from platesieve.policy import explain as words

    loaded = _load(*_read(policy))
    rows = words.explain(loaded)
    if as_json:
        summaries = {disposition.value: words.summary(loaded, disposition) for disposition in Disposition}
        print_json(_facts(loaded) | {"summary": summaries, "rows": [asdict(row) for row in rows]})
        return
    from rich.markup import escape
    from rich.table import Table

    out = console()
    out.print(f"[bold]{escape(loaded.title)}[/] ({loaded.id}, {loaded.version})", soft_wrap=True)
    for disposition in Disposition:
        out.print(f"\n[bold]{disposition}[/]: {words.summary(loaded, disposition)}", soft_wrap=True)
        mine = [row for row in rows if row.disposition is disposition]
        leaving = [row for row in mine if row.leaves != "nothing"]
        if leaving:
            table = Table("field", "what leaves", "why", "how long", "who can open it", box=None, padding=(0, 2, 0, 0))
            for row in leaving:
                table.add_row(row.field.value, row.leaves, escape(row.why), row.how_long, row.who)
            out.print(table)
        dropped = ", ".join(row.field.value for row in mine if row.leaves == "nothing")
        out.print(f"dropped: {dropped}", soft_wrap=True)


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
    from platesieve.policy.packs import pack_text

    path = Path(name)
    if path.suffix != ".toml" and not path.is_file():
        return pack_text(name), f"{name}.toml"
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES), path.name
    except OSError as error:
        raise InputError(
            f"policy file {path.name} cannot be read: {error.strerror}", "give a file that exists and is readable"
        ) from error


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
        "sources": [{"url": s.url, "read": s.read, "verified": s.verified} for s in policy.sources],
    }
