"""What employers ask for most, in a word each."""

from typing import Any

import httpx

from tests.postings.samples import a_body

URL = "/v1/postings"


async def published(client: httpx.AsyncClient, **changes: Any) -> str:
    """The address of a posting that the client just published."""
    answer = await client.post(URL, json=a_body(**changes))
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


async def revise(
    client: httpx.AsyncClient, url: str, version: int | str, **changes: Any
) -> httpx.Response:
    return await client.put(url, json=a_body(**changes), headers={"If-Match": f'"{version}"'})


async def close(client: httpx.AsyncClient, url: str, version: int) -> httpx.Response:
    return await client.post(f"{url}/close", headers={"If-Match": f'"{version}"'})
