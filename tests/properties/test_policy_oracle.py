"""The product against a second implementation of the language: every byte that leaves, over random policies.

`python -m tests.oracle` runs many more examples and prints how many, and what that proves.
"""

from __future__ import annotations

import ast
import json
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.adapters.local.pipe_frames import FrameReader, disclosure_to_document, encode
from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.policy.load import load_policy
from tests.oracle import language
from tests.oracle.compare import crowds, mutants, oracle, policies, product, product_counts, scenes

if TYPE_CHECKING:
    from tests.oracle.compare import Scene

OF_TESTS = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
_ONLY_SEARCH = (Phase.generate,)  # the first difference is enough; nobody reads a smaller one
ORACLE = Path(language.__file__)


@OF_TESTS
@given(scenes())
def test_product_and_oracle_answer_the_same(scene: Scene) -> None:
    """Suppressed for the same reason, counted in the same group, or disclosed with the same fields and expiry."""
    assert product(scene) == oracle(scene)


@OF_TESTS
@given(crowds())
def test_product_and_oracle_count_the_same(crowd: tuple[bytes, str, list[tuple[int, dict[str, str]]]]) -> None:
    """The same windows, the same groups, the same small counts left out."""
    text, sort, seen = crowd
    if sort:
        assert product_counts(text, sort, seen) == language.counts(text, sort, seen)


@settings(OF_TESTS, max_examples=60)
@given(scene=scenes())
def test_what_the_pipe_and_the_outbox_hold_is_what_the_oracle_says(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Not one more byte: the frame and the row are the oracle's answer, and nothing where nothing leaves."""
    answer, made = oracle(scene), product(scene)
    if "body" not in answer:
        assert answer == made
        return
    disclosure = Disclosure(made["id"], Kind(made["kind"]), made["body"], made["expires"], made["receipt"])
    (frame,) = FrameReader().feed(encode(disclosure_to_document(disclosure)))
    path = tmp_path_factory.mktemp("outbox") / "outbox.db"
    outbox = SqliteOutbox(path, 1 << 20, testing_only_synchronous="OFF")
    outbox.store([disclosure])
    outbox.close()
    with sqlite3.connect(path) as connection:
        (row,) = connection.execute("SELECT id, kind, body, expires_wall_ns, receipt_from FROM outbox").fetchall()
    connection.close()

    sent = frame["disclosure"]
    assert answer == {
        "id": sent["id"],
        "kind": sent["kind"],
        "body": sent["body"],
        "expires": sent["expires_wall_ns"],
        "receipt": sent["receipt_from"],
    }
    assert [row[0], row[1], json.loads(row[2]), row[3], row[4]] == list(answer.values())


@pytest.mark.parametrize("name", mutants())
def test_a_broken_product_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: for each way to break the product the same search finds a scene where the two differ."""
    target, broken = mutants()[name]
    owner_name, attribute = target.rsplit(".", 1)
    owner: Any = sys.modules.get(owner_name) or getattr(
        sys.modules[owner_name.rsplit(".", 1)[0]], owner_name.rsplit(".", 1)[1]
    )
    monkeypatch.setattr(owner, attribute, broken(getattr(owner, attribute)))

    search = settings(OF_TESTS, max_examples=3000, database=None, phases=_ONLY_SEARCH)
    scene = find(scenes(), lambda scene: product(scene) != oracle(scene), settings=search)

    assert product(scene) != oracle(scene)


def test_a_product_that_is_not_broken_is_not_found() -> None:
    """The control of the control: the same search over the product as it is finds nothing."""
    search = settings(OF_TESTS, max_examples=200, database=None, phases=_ONLY_SEARCH)
    with pytest.raises(NoSuchExample):
        find(scenes(), lambda scene: product(scene) != oracle(scene), settings=search)


def test_the_oracle_is_small_and_shares_no_code() -> None:
    """Under 120 lines of code, and only the standard library: else it would be a second product."""
    text = ORACLE.read_text()
    tree = ast.parse(text)
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in text.splitlines()) < 120
    assert imported <= set(sys.stdlib_module_names)


@settings(OF_TESTS, max_examples=100)
@given(policies())
def test_every_random_policy_is_one(text: bytes) -> None:
    """What the comparison draws is in the language; a policy that was refused would compare nothing."""
    assert load_policy(text, "random.toml").id
