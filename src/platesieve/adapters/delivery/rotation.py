"""Replace keys of an agency: a new one in, the old one out, and everything signed anew that the old one had signed.

Devices follow by themselves: the next root is signed by enough keys of the root before it (TUF 5.3). A key is known by
its place: `office-2` is the second key of the roles that the office signs, and its successor takes that place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuf.api.metadata import Root, Targets

from platesieve.adapters.delivery.ceremony import HOLDERS, SIGNERS, Holder, delegator_of, new_key
from platesieve.adapters.delivery.repository import EDITED
from platesieve.domain.errors import ConfigError, KeyFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner
    from tuf.api.metadata import Key

    from platesieve.adapters.delivery.repository import Repository


def rotate(
    repository: Repository,
    names: Sequence[str],
    signers: Mapping[str, CryptoSigner],
    folder: Path,
    passphrase: str,
) -> list[str]:
    """Replace keys, sign with those at hand, and return the roles that are complete now; the others wait as drafts.

    Args:
        repository: of the agency.
        names: stems of key files, such as `office-1`.
        signers: the keys at hand, old ones too where they are not lost.
        folder: for the new key files. An old file there is renamed, so that nothing loads it any more.
        passphrase: of the new keys.

    Raises:
        ConfigError: there is no such key.
        KeyFileError: too few root keys are left to change anything, or a file cannot be written.
    """
    places = {name: _place(name) for name in names}
    _refuse_too_few_roots(repository, names, signers)
    old = {name: key_id(repository, name) for name in places}
    fresh = {}
    for name, keyid in old.items():
        _put_aside(folder / f"{name}.pem", keyid)
        fresh[name] = new_key(folder, name, passphrase)
    renewed = set()
    for name, (holder, _) in places.items():
        for role in [role for role, signer in SIGNERS.items() if signer is holder]:
            delegator = delegator_of(role)
            with repository.editing(delegator) as signed:
                _replace(signed, role, old[name], fresh[name].public_key)
            renewed |= {delegator, role} & set(EDITED)
    for role in EDITED:
        if role in renewed and role not in repository.drafts():
            repository.renew(role)
    return repository.sign({**signers, **{one.public_key.keyid: one for one in fresh.values()}})


def key_id(repository: Repository, name: str) -> str:
    """Return the id of the key that has a place now.

    Raises:
        ConfigError: there is no such key.
    """
    holder, at = _place(name)
    role = next(role for role, signer in SIGNERS.items() if signer is holder)
    return repository.key_ids(role)[at]


def _place(name: str) -> tuple[Holder, int]:
    for holder in HOLDERS:
        if name in holder.key_names:
            return holder, holder.key_names.index(name)
    known = ", ".join(name for holder in HOLDERS for name in holder.key_names)
    raise ConfigError(f"{name} is no key of an agency", f"choose among {known}")


def _refuse_too_few_roots(repository: Repository, names: Sequence[str], signers: Mapping[str, CryptoSigner]) -> None:
    """Refuse what no device could follow: the root before must sign its successor with enough of its own keys."""
    going = {key_id(repository, name) for name in names if _place(name)[0].name == "root"}
    usable = [key for key in repository.key_ids("root") if key not in going or key in signers]
    needed = repository.threshold("root")
    if len(usable) < needed:
        raise KeyFileError(
            f"{len(usable)} of the root keys is at hand and {needed} must sign, so that no device would follow",
            "look for the other root keys, or make a new repository and give every device its root.json by hand",
        )


def _replace(signed: Root | Targets, role: str, old: str, new: Key) -> None:
    """Put a new key into the place of an old one, and forget the old one where no other role needs it."""
    if isinstance(signed, Root):
        keys, roles = signed.keys, signed.roles
        rules = [roles[name] for name in ("root", "targets", "snapshot", "timestamp")]
        rule = roles[role]
    else:
        if signed.delegations is None or signed.delegations.roles is None:
            raise ConfigError("the repository names nobody for its documents", "restore it from a copy")
        keys, rules = signed.delegations.keys, list(signed.delegations.roles.values())
        rule = signed.delegations.roles[role]
    rule.keyids = [new.keyid if one == old else one for one in rule.keyids]
    keys[new.keyid] = new
    if not any(old in one.keyids for one in rules):
        keys.pop(old, None)


def _put_aside(file: Path, keyid: str) -> None:
    try:
        if file.exists():
            file.rename(file.with_name(f"{file.stem}.{keyid[:8]}.replaced"))
    except OSError as error:
        raise KeyFileError(f"key file {file} cannot be renamed: {error.strerror}", "check its owner") from error
