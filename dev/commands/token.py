"""`./rengang token ROLE SUBJECT`: a token for calling the services of the local stack."""

from typing import Annotated

import typer

from dev import issuer
from dev.commands import places
from dev.commands.places import Data

app = typer.Typer(add_completion=False)


@app.command()
def token(
    role: Annotated[issuer.Role, typer.Argument(help="What the caller is.")],
    subject: Annotated[str, typer.Argument(help="Who the caller is: any word, such as acme.")],
    hours: Annotated[float, typer.Option(min=0.01, max=8760, help="How long it holds.")] = 12.0,
    data: Data = places.DEFAULT,
) -> None:
    """Print a token, and nothing else, for the local stack.

    Example: TOKEN=$(./rengang token employer acme)
    """
    if not 1 <= len(subject) <= 255 or not subject.isprintable():
        places.refuse("the subject is 1 to 255 printable characters", 2)
    print(issuer.mint(places.existing(data), role.value, subject, hours=hours))
