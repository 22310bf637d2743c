"""Tiles: the paths of the specification, and a growing log that always has just the right files."""

from __future__ import annotations

import pytest

from platesieve.audit.tiles import (
    Edge,
    bundle_name,
    edge_names,
    is_log_name,
    log_names,
    pack_bundle,
    tile_name,
    unpack_bundle,
)
from platesieve.audit.tree import leaf_hash, root_of
from platesieve.domain.errors import AuditError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (tile_name(0, 0), "tile/0/000"),
        (tile_name(1, 273, 112), "tile/1/273.p/112"),
        (tile_name(2, 1_234_067), "tile/2/x001/x234/067"),
        (bundle_name(1_234_067, 8), "tile/entries/x001/x234/067.p/8"),
        (bundle_name(1000), "tile/entries/x001/000"),
    ],
)
def test_paths_are_those_of_the_specification(name: str, expected: str) -> None:
    """1234067 is its own example."""
    assert name == expected
    assert is_log_name(name)


@pytest.mark.parametrize("name", ["checkpoint", "tile/64/000", "tile/00/000", "tile/0/0", "tile/0/000.p/0", "lock"])
def test_other_names_are_no_part_of_a_log(name: str) -> None:
    """They are never removed."""
    assert not is_log_name(name)


def test_a_log_of_70000_has_the_tiles_of_the_specification() -> None:
    """273 full and one partial of 112, one full and one of 17, one of 1."""
    names = dict(log_names(70_000))

    assert sum(name.startswith("tile/0/") and ".p/" not in name for name in names) == 273
    assert [names[name] for name in ("tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1")] == [3584, 544, 32]
    assert edge_names(70_000) == ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert set(dict(log_names(256))) == {"tile/entries/000", "tile/0/000", "tile/1/000.p/1"}


@pytest.mark.parametrize("steps", [[1] * 600, [255, 1, 256, 257], [65_535, 1, 1], [70_000], [0, 3]])
def test_a_growing_log_has_the_right_files_after_each_step(steps: list[int]) -> None:
    """However it grew: the files of its size, with the hashes and the root that follow from its entries."""
    edge, files, entries = Edge(), dict[str, bytes](), list[bytes]()
    for step in steps:
        new = [(len(entries) + number).to_bytes(3, "big") for number in range(step)]
        before, (edge, written) = edge, edge.extended(new)
        files.update(written)
        for name in set(edge_names(before.size)) - set(edge_names(edge.size)):
            del files[name]
        entries += new

    expected = dict(log_names(len(entries)))
    assert files.keys() == expected.keys()
    assert all(length in {None, len(files[name])} for name, length in expected.items())
    assert edge.root() == root_of(leaf_hash(entry) for entry in entries)
    assert edge.size == len(entries)


def test_bundles_end_where_an_entry_ends() -> None:
    """A bundle that is cut anywhere else is refused."""
    entries = [b"", b"a", b"bc" * 200]
    bundle = pack_bundle(entries)

    assert unpack_bundle(bundle) == entries
    whole = {0, 2, 5}
    for length in range(len(bundle)):
        if length in whole:
            assert len(unpack_bundle(bundle[:length])) < len(entries)
        else:
            with pytest.raises(AuditError):
                unpack_bundle(bundle[:length])


def test_an_entry_that_no_length_can_tell_is_refused() -> None:
    """Two bytes tell 65,535."""
    assert pack_bundle([bytes(65_535)])
    with pytest.raises(AuditError):
        pack_bundle([bytes(65_536)])
