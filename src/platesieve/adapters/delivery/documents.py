"""Documents in an agency's repository, and the devices they are for: put in, taken back, looked at.

Every change becomes a draft (see `repository`); nothing is signed here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tuf.api.metadata import TargetFile

from platesieve.adapters.delivery.addressed import Address, Kind, is_device, kind_of
from platesieve.adapters.delivery.repository import as_input_error
from platesieve.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuf.api.metadata import Targets

    from platesieve.adapters.delivery.books import Books
    from platesieve.adapters.delivery.repository import Repository

SINGLE = frozenset({Kind.POLICY, Kind.KEYS, Kind.UPDATE})  # a device has one of each


def add_device(repository: Repository, device: str, recipient: str) -> list[str]:
    """Add a device, and make it an addressee of what is for everyone; return the paths of those documents.

    Hot lists are not among them: they have to be encrypted again (`add_document`).

    Raises:
        ConfigError: it is no device of this agency.
    """
    books = repository.books
    if not is_device(device) or not device.startswith(f"{books.agency}/"):
        raise ConfigError(
            "this is no device of the agency", f"write {books.agency}/SITE/DEVICE, for example bridge-7/cam-1"
        )
    books.devices[device] = recipient
    changed = _documents_for_all_at(books, device)
    for path in changed:
        with repository.editing(kind_of(path).value) as role:
            _readdress(role, path, {*_devices(role, path), device})
    repository.save_books()
    return changed


def add_document(repository: Repository, path: str, data: bytes, address: Address, site: str | None) -> None:
    """Put a document into the draft of its kind; one of the same name is replaced.

    A device has one policy and one set of keys: another one that it had is not for it any more.

    Args:
        repository: of the agency.
        path: KIND/FILE.
        data: as it will be published: a hot list is encrypted already.
        address: for whom.
        site: agency/site, or "" for everyone: devices that come later are for it too; None for the named ones.

    Raises:
        ConfigError: it is larger than a device takes.
    """
    kind, books = kind_of(path), repository.books
    if len(data) > kind.max_bytes:
        raise ConfigError(f"{path} is larger than {kind.max_bytes >> 10} KiB", "give a smaller one")
    target = TargetFile.from_data(path, data, ["sha256"])
    target.unrecognized_fields["custom"] = address.as_custom()
    with as_input_error(repository.folder):
        place = repository.folder / "public" / "targets" / target.get_prefixed_paths()[0]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    with repository.editing(kind.value) as role:
        role.targets[path] = target
        for other in [one for one in role.targets if kind in SINGLE and one != path]:
            _readdress(role, other, set(_devices(role, other)) - set(address.devices))
            if other not in role.targets or books.everyone.get(other) == site:
                books.everyone.pop(other, None)
    books.everyone.pop(path, None)
    if site is not None:
        books.everyone[path] = site
    if kind is Kind.HOTLIST:
        books.encrypted_to[path] = list(address.devices)
    repository.save_books()


def remove_document(repository: Repository, path: str) -> bool:
    """Take a document back; return whether there was one."""
    if path not in repository.latest(kind_of(path).value).signed.targets:
        return False
    with repository.editing(kind_of(path).value) as role:
        del role.targets[path]
    repository.books.everyone.pop(path, None)
    repository.books.encrypted_to.pop(path, None)
    repository.save_books()
    return True


def listed(repository: Repository) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Yield path, length and address of every document, drafts included."""
    for kind in Kind:
        for path, target in sorted(repository.latest(kind.value).signed.targets.items()):
            yield path, target.length, target.custom


def hotlists_to_add_again(repository: Repository) -> dict[str, list[str]]:
    """Return, by path, the devices that a hot list is meant for and was not encrypted to: they came later."""
    books = repository.books
    missing = {
        path: sorted(set(books.at(books.everyone[path])) - set(encrypted_to))
        for path, encrypted_to in books.encrypted_to.items()
        if path in books.everyone
    }
    return {path: devices for path, devices in missing.items() if devices}


def _documents_for_all_at(books: Books, device: str) -> list[str]:
    """Return what a new device gets: of policies and keys one each, the one for the smallest group."""
    fitting = {
        path: site
        for path, site in books.everyone.items()
        if device in books.at(site) and kind_of(path) is not Kind.HOTLIST
    }
    one_each = {kind_of(path): path for path, _ in sorted(fitting.items(), key=lambda item: len(item[1]))}
    return sorted(path for path in fitting if kind_of(path) not in SINGLE or one_each[kind_of(path)] == path)


def _devices(role: Targets, path: str) -> tuple[str, ...]:
    return Address.from_custom(role.targets[path].custom, path).devices


def _readdress(role: Targets, path: str, devices: set[str]) -> None:
    """Make a document one for these devices; without any it is gone."""
    if not devices:
        del role.targets[path]
        return
    address = Address.from_custom(role.targets[path].custom, path)
    role.targets[path].unrecognized_fields["custom"] = replace(address, devices=tuple(sorted(devices))).as_custom()
