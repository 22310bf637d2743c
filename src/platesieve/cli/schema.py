"""`platesieve schema`: the contract of the wire, for whoever writes a consumer."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def schema(
    of: Annotated[
        Literal["asyncapi", "hit", "read", "count", "health", "checkpoint"],
        typer.Argument(help="The whole contract (AsyncAPI 3), or the JSON Schema of one kind of event."),
    ] = "asyncapi",
) -> None:
    """Print the contract: topics, events, receipts and commands as one AsyncAPI 3 document, or one JSON Schema.

    Examples:

      platesieve schema > asyncapi.json

      platesieve schema hit > hit.schema.json
    """
    from platesieve.adapters.mqtt.asyncapi import contract_text
    from platesieve.adapters.mqtt.wire_schemas import schema_text
    from platesieve.domain.disclosure import Kind

    typer.echo(contract_text() if of == "asyncapi" else schema_text(Kind(of)), nl=False)
