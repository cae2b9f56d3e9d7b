"""`./rengang city add|list|test|remove`: the partner cities that certificates are asked of.

What is asked of them, and how an answer is believed, is the service's.
"""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer
from rich.console import Console
from rich.table import Table

from dev.asking import asked
from dev.reach import refuse

app = typer.Typer(no_args_is_help=True, help="Partner cities: whom certificates are asked of.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="As the city names itself: qujing")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    city_id: _Id,
    url: Annotated[str, typer.Argument(help="Where its certificates service is.")],
    *,
    name: Annotated[
        str | None, typer.Option(help="As people call it; the id where left out.")
    ] = None,
    division: Annotated[
        list[str] | None, typer.Option(help="A division code it answers for; may be repeated.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="A file with its JWKS, to pin; else read at the city.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="For a city that runs something else: a JSON mapping.")
    ] = None,
    pin: Annotated[
        str | None, typer.Option(help="SHA-256 of its TLS certificate, base64url.")
    ] = None,
    trusted_unsigned: Annotated[
        bool, typer.Option("--trusted-unsigned", help="Believe it although nobody signs.")
    ] = False,
    disabled: Annotated[bool, typer.Option("--disabled", help="Do not ask it for now.")] = False,
) -> None:
    """Register a city, or change what is known of it.

    Example: ./rengang city add qujing https://certificates.qujing.example --division 530300
    """
    base = url.rstrip("/")
    said: dict[str, Any] = {
        "name": name or city_id,
        "base_url": base,
        "divisions": division or refuse("name a division: --division 530300"),
        "enabled": not disabled,
    }
    if mapping is not None:
        said |= {"adapter": "http-json", "mapping": _read(mapping)}
        said |= {"trusted_unsigned": trusted_unsigned}
    elif keys is not None:
        said |= {"jwks": _read(keys)}
    else:
        said |= {"jwks_url": f"{base}/.well-known/jwks.json"}
    if pin is not None:
        said |= {"certificate_sha256": pin}
    asked("certificates", "PUT", f"/v1/cities/{quote(city_id, safe='')}", json=said)
    print(f"{city_id} is registered; try it with  ./rengang city test {city_id}")


@app.command("list")
def list_(json: _Json = False) -> None:
    """Show the partner cities, and which are left alone for now.

    Example: ./rengang city list
    """
    items = asked("certificates", "GET", "/v1/cities")["items"]
    if json:
        for item in items:
            print(orjson.dumps(item).decode())
        return
    if not items:
        print("no partner city is registered")
        return
    table = Table("city", "name", "address", "divisions", "adapter", "state")
    for item in items:
        state = "disabled" if not item["enabled"] else _STATES[item["state"]]
        divisions = ", ".join(item["divisions"])
        table.add_row(
            item["city_id"], item["name"], item["base_url"], divisions, item["adapter"], state
        )
    Console().print(table)


_STATES = {"closed": "asked", "open": "left alone", "half-open": "being tried"}


@app.command("test")
def try_(city_id: _Id, json: _Json = False) -> None:
    """Ask a city about a certificate that nobody has, and check its answer.

    Example: ./rengang city test qujing
    """
    found = asked("certificates", "POST", f"/v1/cities/{quote(city_id, safe='')}/test")
    if json:
        print(orjson.dumps(found).decode())
    elif found["ok"]:
        print(f"{city_id} answers and is believed ({found['seconds'] * 1000:.0f} ms)")
    if not found["ok"]:
        means = _FAULTS.get(found["fault"])
        because = found["fault"] if means is None else f"{found['fault']} ({means})"
        refuse(f"no answer of {city_id} that can be believed: {because}")


_FAULTS = {
    "address_refused": "its address is not a public one; in a network between the cities, and on "
    "one machine, start our service with CERTIFICATES_CITIES_PRIVATE=true",
    "not_reached": "nothing listens at its address, or the way there is cut",
    "timeout": "it took too long",
    "tls_failed": "its TLS certificate is not one that is trusted here",
    "other_certificate": "it showed another TLS certificate than the one that is pinned",
    "redirect": "it sends us elsewhere; register the address where it is",
    "status_401": "it does not let us in: either it calls itself otherwise (its "
    "CERTIFICATES_CITY_ID), or we are not registered there under our CERTIFICATES_CITY_ID and the "
    "address where our keys are",
    "status_404": "there is no such route: is the address that of its certificates service?",
    "status_503": "it cannot read our keys, or is busy; can it reach our address?",
    "not_signed_by_the_city": "the signature fits none of its keys",
    "of_another_city": "who answered signs under another id: register it under its own "
    "CERTIFICATES_CITY_ID",
    "meant_for_another_city": "the answer is for another city than our CERTIFICATES_CITY_ID",
    "not_of_now": "its clock or ours is wrong",
    "status_list_elsewhere": "its status lists are at another address than the registered one; its "
    "CERTIFICATES_PUBLIC_URL must be the address that is registered here",
}
"""What an operator can do about a fault; of the others its code says enough."""


@app.command()
def remove(city_id: _Id) -> None:
    """Ask a city no more, and let it in no more; what it vouched for stays.

    Example: ./rengang city remove qujing
    """
    asked("certificates", "DELETE", f"/v1/cities/{quote(city_id, safe='')}")
    print(f"{city_id} is removed")


def _read(path: Path) -> dict[str, Any]:
    try:
        read = orjson.loads(path.read_bytes())
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}")
    except orjson.JSONDecodeError:
        refuse(f"{path} is not JSON")
    if not isinstance(read, dict):
        refuse(f"{path} does not hold a JSON object")
    return dict(read)
