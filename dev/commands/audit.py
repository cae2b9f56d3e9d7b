"""`./rengang audit check|list`: who asked about which certificate, and whether the log is whole.

What is written into the log, and how it is chained, is the service's.
"""

from typing import Annotated

import orjson
import typer

from dev.asking import asked
from dev.reach import refuse

app = typer.Typer(no_args_is_help=True, help="The audit log of certificates.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_LONG_S = 600.0
_FAULTS = {
    "missing": "rows are missing from",
    "changed": "a row was changed at",
    "cut": "the end is missing, or another, from",
    "rewritten": "what is there is not what was noted, up to",
}


@app.command()
def check(
    *,
    noted: Annotated[
        str | None,
        typer.Option(
            metavar="ROWS:HASH",
            help="What a check said before: the log must still hold those rows.",
        ),
    ] = None,
    json: _Json = False,
) -> None:
    """Follow the log from its first row to its last; exits with 1 where it is broken.

    Note down what it prints in another place: with --noted a log that was rewritten whole shows.

    Example: ./rengang audit check
    """
    params = {} if noted is None else _noted(noted)
    found = asked("certificates", "GET", "/v1/audit/check", params=params, patience_s=_LONG_S)
    if json:
        print(orjson.dumps(found).decode())
    elif found["whole"]:
        print(f"the log is whole: {found['rows']}:{found['hash']}")
    if not found["whole"]:
        refuse(f"the log is broken: {_FAULTS[found['fault']]} row {found['broken_at']}")


def _noted(text: str) -> dict[str, str]:
    rows, _, digest = text.partition(":")
    if not rows.isdecimal() or len(digest) != 64:
        refuse("--noted takes what a check has printed: ROWS:HASH")
    return {"noted_rows": rows, "noted_hash": digest.lower()}


@app.command("list")
def list_(
    *,
    requester: Annotated[str | None, typer.Option(help="Only what this account asked.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Not before, as in 2026-03-31T08:00:00+08:00.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Only for this purpose.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=200, help="How many rows.")] = 20,
    json: _Json = False,
) -> None:
    """Show who asked, when, why, and what was answered; the newest first.

    Example: ./rengang audit list --requester acme -n 50
    """
    given = {"requester": requester, "since": since, "until": until, "purpose": purpose}
    params = {name: value for name, value in given.items() if value is not None}
    items = asked(
        "certificates", "GET", "/v1/audit", params={**params, "limit": str(n)}, patience_s=_LONG_S
    )["items"]
    if json:
        for item in items:
            print(orjson.dumps(item).decode())
        return
    rows = [("row", "time (UTC)", "who", "as", "why", "answer", "receipt")]
    rows += [
        (
            str(item["seq"]),
            item["at"][:19].replace("T", " "),
            item["requester"],
            item["role"],
            item["purpose"],
            item["verdict"] or item["act"],
            item["receipt_no"] or "",
        )
        for item in items
    ]
    # Not a table that fits the terminal: what it cuts off, a receipt's number, is what is wanted.
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
