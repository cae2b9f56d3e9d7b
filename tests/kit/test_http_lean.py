"""A lean route lets in, refuses and is documented as any other, and takes no handler it cannot."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.kit.auth import Caller, Role, require
from services.kit.lean import LeanRoute
from tests.kit.door import Issuer, an_app, knocking, served

Employer = Annotated[Caller, Depends(require(Role.EMPLOYER))]


def routes(route_class: Any) -> APIRouter:
    router = APIRouter(route_class=route_class)

    @router.post("/asked", summary="Asked often")
    async def asked(request: Request, caller: Employer) -> Response:
        return JSONResponse([caller.subject, (await request.body()).decode()])

    return router


@pytest.mark.parametrize(
    "said",
    [
        "Bearer {token}",
        "bearer {token}",
        "Bearer  {token}",
        "Basic {token}",
        "{token}",
        "Bearer",
        "Bearer ",
        "",
        "Bearer {seeker}",
        "Bearer x.y.z",
    ],
)
async def test_it_lets_in_and_refuses_as_any_other_route(said: str) -> None:
    issuer = Issuer()
    tokens = {
        "token": issuer.token(sub="acme", role="employer"),
        "seeker": issuer.token(sub="li-na", role="seeker"),
    }
    headers = {"Authorization": said.format_map(tokens)}
    answers = []
    async with served(issuer) as url:
        for route_class in (LeanRoute, APIRouter().route_class):
            app = an_app(routes(route_class), jwks_url=f"{url}/jwks")
            async with knocking(app) as client:
                answers.append(await client.post("/asked", content=b"what", headers=headers))
    lean, usual = answers
    assert (lean.status_code, told(lean)) == (usual.status_code, told(usual))
    assert lean.headers.get("www-authenticate") == usual.headers.get("www-authenticate")
    if said.lower().split() == ["bearer", "{token}"]:
        assert lean.json() == ["acme", "what"]
    else:
        assert lean.status_code in (401, 403)


def told(answer: httpx.Response) -> Any:
    body = answer.json()
    return body if isinstance(body, list) else {**body, "trace_id": None}


async def test_it_is_documented_as_any_other_route() -> None:
    documents = []
    for route_class in (LeanRoute, APIRouter().route_class):
        async with knocking(an_app(routes(route_class))) as client:
            documents.append((await client.get("/openapi.json")).json())
    assert documents[0] == documents[1]
    assert documents[0]["paths"]["/asked"]["post"]["x-roles"] == ["employer"]


def test_a_handler_that_wants_more_is_refused_at_once() -> None:
    router = APIRouter(route_class=LeanRoute)
    with pytest.raises(TypeError, match="LeanRoute takes the request"):

        @router.get("/more")
        async def more(request: Request, caller: Employer, limit: int) -> Response:
            return Response()

    with pytest.raises(TypeError, match="LeanRoute takes the request"):

        @router.get("/unguarded")
        async def unguarded(request: Request) -> Response:
            return Response()
