"""What the roles of a new agency say: who signs what (see `ceremony`), and nothing for any device yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuf.api.metadata import DelegatedRole, Delegations, Key, Root, Targets

from platesieve.adapters.delivery.addressed import Kind
from platesieve.adapters.delivery.ceremony import SIGNERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from securesystemslib.signer import CryptoSigner
    from tuf.api.metadata import Signed

SPEC_VERSION = "1.0.31"


def first_roles(signers: Mapping[str, CryptoSigner], expiry: Callable[[str], datetime]) -> dict[str, Signed]:
    """Return what each role says at first, in the order in which they have to be signed.

    Args:
        signers: every key, by the name of its file.
        expiry: until when a role counts.
    """
    empty = {kind.value: Targets(1, SPEC_VERSION, expiry(kind.value)) for kind in Kind}
    return {"root": _root(signers, expiry("root")), "targets": _targets(signers, expiry("targets")), **empty}


def _root(signers: Mapping[str, CryptoSigner], expires: datetime) -> Root:
    root = Root(1, SPEC_VERSION, expires, consistent_snapshot=True)
    for role in ("root", "targets", "snapshot", "timestamp"):
        for name in SIGNERS[role].key_names:
            root.add_key(signers[name].public_key, role)
        root.roles[role].threshold = SIGNERS[role].threshold
    return root


def _targets(signers: Mapping[str, CryptoSigner], expires: datetime) -> Targets:
    """Return the role that says who signs each kind. Each delegation ends the search: no other role may answer."""
    keys: dict[str, Key] = {}
    roles: dict[str, DelegatedRole] = {}
    for kind in Kind:
        holder = SIGNERS[kind.value]
        own = {signers[name].public_key.keyid: signers[name].public_key for name in holder.key_names}
        keys |= own
        roles[kind.value] = DelegatedRole(
            kind.value, list(own), holder.threshold, terminating=True, paths=[f"{kind}/*"]
        )
    return Targets(1, SPEC_VERSION, expires, {}, Delegations(keys, roles))
