"""Policies from text: what is right loads, what is wrong is named with its line and a remedy, all at once."""

from __future__ import annotations

import json
import re
import time
import tomllib
from datetime import date
from hashlib import sha256
from pathlib import Path

import jsonschema
import pytest

from platesieve.domain.errors import ConfigError
from platesieve.policy.load import MAX_BYTES, load_pack, load_policy
from platesieve.policy.packs import pack_ids, pack_text
from platesieve.policy.shape import schema_text
from tests.vectors.policy.make_vectors import BASE, FAULTS

VECTORS = Path(__file__).parents[2] / "vectors" / "policy"
SCHEMA = Path(__file__).parents[3] / "src" / "platesieve" / "schemas" / "v1" / "policy.schema.json"
FAULTY = sorted(path for path in VECTORS.glob("*.toml") if path.stem != "valid")


def problems_of(text: bytes) -> tuple[str, ...]:
    """Return what is said about a text that is no policy."""
    with pytest.raises(ConfigError) as caught:
        load_policy(text, "p.toml")
    return caught.value.problems


@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.stem)
def test_each_fault_is_named(path: Path) -> None:
    """A file with one fault is refused with a problem that names it; every problem has a line and a remedy."""
    text = path.read_bytes()
    said = text.decode().splitlines()[0].removeprefix("# refused: ")

    problems = problems_of(text)

    assert any(said in problem for problem in problems), problems
    assert all(re.fullmatch(r"p\.toml:\d+: .+; .+", problem) for problem in problems), problems


def test_the_vectors_are_what_their_script_writes() -> None:
    """No file was changed by hand, and none is left over."""
    said = {name: f"# refused: {said}\n" + BASE.replace(old, new, 1) for name, (old, new, said) in FAULTS.items()}

    assert {path.stem: path.read_text() for path in FAULTY} == said


def test_the_policy_that_the_faults_are_made_from_is_right() -> None:
    """The control of the vectors: without a fault the file loads."""
    policy = load_policy((VECTORS / "valid.toml").read_bytes(), "valid.toml")

    assert policy.id == "base"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("bad_duration", 18),
        ("plate_in_clear_for_a_miss", 27),
        ("duplicate_key", 5),
        ("mount_unknown", 9),
        ("syntax", 11),
    ],
)
def test_the_line_is_the_one_where_the_fault_stands(name: str, line: int) -> None:
    """Lines are counted from one, comments included."""
    assert any(p.startswith(f"p.toml:{line}:") for p in problems_of((VECTORS / f"{name}.toml").read_bytes()))


def test_all_faults_are_named_at_once() -> None:
    """Wrong values do not hide contradictions between the values that are well written."""
    text = (VECTORS / "valid.toml").read_text()
    text = text.replace("format = 1", "format = 7").replace('"3s"', '"soon"').replace('epoch = "1h"', 'epoch = "4h"')

    problems = problems_of(text.encode())

    assert len(problems) == 3
    assert "format" in problems[0]
    assert "raw_lifetime" in problems[1]
    assert "outlive" in problems[2]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"#" * (MAX_BYTES + 1),
        b"a = " + b"[" * 900,
        b"\n".join([b"a = "] + [b"[" * 500] * 60),
        b".".join([b"a"] * 400) + b" = 1",
        b".".join([b"a"] * 30_000) + b" = 1",
        b"format = " + b"9" * 900,
        b"hit = {" * 100,
        b"a = 1\nb = \xff",
        b"\xef\xbb\xbfformat = 1",
        b"hit = 1\nmiss = 'x'\nunsure = []\nreading = 3\nmounts = 3\nformat = true\nsources = {}",
        b"[hit]\nfields = 3\npublish = 'event'\n[miss]\nfields.plate = 3\npublish = 2",
        b'"\\n\\u0000" = 1\n[[hit]]\n[[miss.fields]]\n',
        b"effective = 9999-12-31T23:59:60Z",
        b"[reading]\nmin_confidence = inf\nmin_agreeing_frames = true\nraw_lifetime = -1",
    ],
)
def test_hostile_text_is_refused_quickly(text: bytes) -> None:
    """Whatever the bytes are, the answer is a ConfigError within a second, never another exception."""
    start = time.perf_counter()

    assert problems_of(text)
    assert time.perf_counter() - start < 1.0


def test_a_policy_carries_the_hash_of_its_exact_bytes() -> None:
    """One more space is another policy."""
    text = pack_text("us-mn")

    assert load_policy(text, "a").sha256 == sha256(text).hexdigest()
    assert load_policy(text + b"\n", "a").sha256 != sha256(text).hexdigest()


@pytest.mark.parametrize("pack_id", pack_ids())
def test_every_pack_loads_under_its_own_name(pack_id: str) -> None:
    """A pack is valid, is called what its file is called, and says what of its sources was verified."""
    policy = load_pack(pack_id)

    assert policy.id == pack_id
    assert policy.sources
    assert all(re.search(r"\b[VCM]: ", source.verified) for source in policy.sources)


@pytest.mark.parametrize("pack_id", sorted(set(pack_ids()) - {"count-only", "hits-only", "travel-time"}))
def test_no_law_claims_compliance(pack_id: str) -> None:
    """A policy implements rules; whether an agency complies is not for a file to say."""
    text = pack_text(pack_id).decode().lower()

    assert text.count("complian") == text.count("claims no compliance") == 1


@pytest.mark.parametrize("pack_id", pack_ids())
def test_every_pack_satisfies_the_schema(pack_id: str) -> None:
    """What we load, any JSON Schema validator accepts; TOML's dates become text."""
    tree = json.loads(json.dumps(tomllib.loads(pack_text(pack_id).decode()), default=date.isoformat))

    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(tree)


def test_the_schema_refuses_what_we_refuse() -> None:
    """The control: the schema is not empty. A coarsened picture satisfies no schema."""
    tree = tomllib.loads((VECTORS / "coarsened_picture.toml").read_text())
    tree["effective"] = tree["effective"].isoformat()

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(tree)


def test_the_schema_in_the_package_is_current() -> None:
    """The file is what the models generate."""
    assert SCHEMA.read_text() == schema_text()


def test_an_unknown_pack_is_refused_with_those_that_exist() -> None:
    """The hint lists the packs."""
    with pytest.raises(ConfigError, match="us-mn"):
        load_pack("us-xx")
