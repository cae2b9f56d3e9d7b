"""What the terminal's commands ask of a service as its operator, and how a refusal is said.

Where the service is and whose token is shown stands in reach.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from dev.reach import Reach, refuse

_PATIENCE_S = 30.0


def asked(
    service: str,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    json: Mapping[str, Any] | None = None,
    patience_s: float = _PATIENCE_S,
) -> dict[str, Any]:
    """The answer to the operator; {} where it has no body. Ends the command where it is refused."""
    reach = Reach.found()
    headers = {
        "Authorization": f"Bearer {reach.token('operator', 'terminal')}",
        "Accept-Language": "en",
    }
    url = f"{reach.url(service)}{path}"
    try:
        answer = httpx.request(
            method, url, headers=headers, params=params, json=json, timeout=patience_s
        )
    except httpx.HTTPError as error:
        refuse(f"the {service} service does not answer: {error}")
    if answer.status_code >= 400:
        refuse(_problem(service, answer))
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


def _problem(service: str, answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"the {service} service answers {answer.status_code}"
    errors = [
        f"{each.get('pointer') or each.get('parameter', '')}: {each['detail']}"
        for each in problem.get("errors", ())
    ]
    return "; ".join(errors) or str(problem.get("detail"))
