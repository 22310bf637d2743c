"""The files of tests/vectors/audit are what make_vectors.py makes, no more and no fewer."""

from __future__ import annotations

from tests.vectors.audit.make_vectors import HERE, vectors

PUBLIC = {"rfc6962.json", "signed_note.json"}
EARLIER = "entries/accepted_old/"  # what earlier programs wrote; nobody makes it any more


def test_vectors_are_what_their_maker_makes() -> None:
    """A changed encoding shows as a difference here, and in the history of the files."""
    made = vectors()
    found = {
        path.relative_to(HERE).as_posix(): path.read_bytes()
        for path in HERE.rglob("*.*")
        if path.suffix in {".json", ".txt"}
    }

    kept = {name for name in found if name in PUBLIC or name.startswith(EARLIER)}

    assert found.keys() - kept == made.keys()
    assert all(found[name] == content for name, content in made.items())
