# ruff: noqa: INP001 - a program of its own, which `setup` calls
"""Turn the names on a fleet's certificates into users and rights for RabbitMQ: names in, definitions.json out.

    definitions.py < NAMES > definitions.json

A name a line: agency/site/device, collector.AGENCY, dashboard.AGENCY. Standard library only: brokers run this.

The rights are those of deploy/mosquitto/acl and acl-agency, written out for each name. RabbitMQ could fill in
{username} by itself, but a topic becomes a routing key there with dots for slashes, and a user name does not.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

KINDS = "(hit|read|count|health|checkpoint)"
LEVEL = "[^.#]+"  # one level of a topic, or `+`, which is `*` in a routing key; never `#`
_NAME = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+|(collector|dashboard)\.[A-Za-z0-9_-]+")
_EXCHANGE = r"amq\.topic"

# What a subscriber that stays away may heap up on every node, as in deploy/mosquitto/mosquitto.conf.
BOUNDS = {"message-ttl": 14 * 86_400_000, "max-length": 10_000, "max-length-bytes": 64 << 20}


def topics(name: str) -> tuple[str, str]:
    """Return the routing keys that a name may write, and those that it may read, as regular expressions."""
    if "/" in name:
        own = re.escape(name.replace("/", "."))
        return rf"^platesieve\.{own}\.{KINDS}$", rf"^platesieve\.{own}\.(do\.{LEVEL}|receipt|cosigned)$"
    role, _, agency = name.partition(".")
    any_device = rf"^platesieve\.{re.escape(agency)}\.{LEVEL}\.{LEVEL}\."
    answers = rf"(receipt|cosigned|do\.{LEVEL})$" if role == "collector" else rf"do\.{LEVEL}$"
    return any_device + answers, f"{any_device}{KINDS}$"


def client_ids(name: str) -> str:
    """Return the MQTT client ids under which a name may keep a session: whoever knows another's cannot take it over."""
    if "/" in name:
        return re.escape(name.replace("/", ":")) + "(:probe)?"
    role, _, agency = name.partition(".")
    agency = re.escape(agency)
    return f"({agency}:collector:|witness:{agency}:).*" if role == "collector" else f"(dashboard|witness):{agency}:.*"


def rights(name: str) -> dict[str, dict[str, str]]:
    """Return user, permissions and topic permissions of one name."""
    whose = {"user": name, "vhost": "/"}
    queue = f"mqtt-(subscription|will)-{client_ids(name)}(qos[01])?"
    write, read = topics(name)
    return {
        # Without a password hash no password opens this: the certificate does, or nothing.
        "users": {"name": name, "password_hash": "", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ""},
        "permissions": {
            **whose,
            "configure": f"^{queue}$",
            "write": f"^({queue}|{_EXCHANGE})$",
            "read": f"^({queue}|{_EXCHANGE})$",
        },
        "topic_permissions": {**whose, "exchange": "amq.topic", "write": write, "read": read},
    }


def definitions(names: list[str]) -> dict[str, Any]:
    """Return everything that a cluster must know about a fleet.

    Raises:
        ValueError: a name that could be mistaken for another one, or is none.
    """
    for name in names:
        if not _NAME.fullmatch(name) or (name.count("/") and name.split("/")[1] == "collector"):
            raise ValueError(name)
    everybody = [rights(name) for name in sorted(set(names))]
    bounds = {"vhost": "/", "name": "bounds", "pattern": "^mqtt-subscription-", "apply-to": "queues", "priority": 0}
    return {
        "vhosts": [{"name": "/"}],
        **{kind: [each[kind] for each in everybody] for kind in ("users", "permissions", "topic_permissions")},
        "policies": [{**bounds, "definition": BOUNDS}],
    }


def main() -> int:
    """Read names, write definitions; return the exit code."""
    try:
        made = definitions(sys.stdin.read().split())
    except ValueError as error:
        sys.stderr.write(f"error: {error} cannot be a name on RabbitMQ\n")
        sys.stderr.write("hint: letters, digits, dashes and underscores; no dots, and no site called `collector`\n")
        return 64
    json.dump(made, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
