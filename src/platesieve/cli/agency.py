"""`platesieve agency`: publish signed policies, hot lists, keys and updates: files, and any static server."""

from __future__ import annotations

import typer

from platesieve.cli import agency_drafts, agency_keyholders, agency_software
from platesieve.cli.agency_options import FolderArgument, open_repository
from platesieve.cli.agency_view import as_json, print_documents, print_roles, say_next
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json, say

EPILOG = (
    "Who signs what: two of three root keys say which keys count; both office keys sign policies, recipients' keys, "
    "models and updates; the lists key signs hot lists; the online key says what is newest. Exit codes: 0 done; 1 "
    "something waits or is over; 65 a device would not accept it; 66 cannot be read or written; 77 keys; 78 a "
    "document is wrong, with every bad row."
)
app = typer.Typer(
    help="Publish signed policies, hot lists and keys for devices, and let devices in.",
    no_args_is_help=True,
    epilog=EPILOG,
)


def status(folder: FolderArgument, json: JsonOption = False) -> None:
    """Show roles with their expiry dates, documents and devices; exit code 1 where something waits or is over.

    Examples:

      platesieve agency status repository
    """
    from platesieve.adapters.delivery.documents import hotlists_to_add_again
    from platesieve.adapters.delivery.publishing import status as states

    repository = open_repository(folder)
    again = sorted(hotlists_to_add_again(repository))
    over = [state.role for state in states(repository) if state.left_s(repository.now) <= 0]
    if json:
        print_json({**as_json(repository), "to_add_again": again, "over": over})
    else:
        print_roles(repository)
        print_documents(repository)
        say_next(repository, again)
        for role in over:
            say(f"{role} is over: devices do not count on it any more; renew, sign and publish it")
    raise typer.Exit(1 if repository.drafts() or again or over else 0)


app.command()(agency_keyholders.init)
app.command()(agency_drafts.add_device)
app.command()(agency_drafts.add_policy)
app.command()(agency_drafts.add_keys)
app.command()(agency_drafts.add_hotlist)
app.command()(agency_software.add_models)
app.command()(agency_software.add_update)
app.command()(agency_drafts.remove)
app.command()(agency_keyholders.sign)
app.command()(agency_keyholders.rotate_key)
app.command()(agency_keyholders.publish)
app.command()(status)
