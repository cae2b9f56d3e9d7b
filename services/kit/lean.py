"""A route that is called thousands of times a second: its guard, then its handler, and no more.

What a guard lets through stands in auth; other routes leave all of this to FastAPI.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.kit.auth import Guard

_ONLY = "a LeanRoute takes the request and a caller let in by require(), and answers a Response"


class LeanRoute(APIRoute):
    """`APIRouter(route_class=LeanRoute)`: FastAPI documents the route, and does nothing per call.

    For `async def handler(request: Request, caller: Annotated[Caller, Depends(require(…))])`:
    solving these two as FastAPI's dependencies takes a fifth of a short call. What is raised goes
    on to the app's own handlers, not to the same ones once more around each route. Raises
    TypeError where the handler wants more, at start.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        handle = self.get_route_handler()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            # In place of FastAPI's request_response: two exit stacks, which nothing is put into
            # here, and a handler of exceptions within that of the app.
            answer = await handle(Request(scope, receive, send))
            await answer(scope, receive, send)

        self.app = app

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What is called with each request of this route."""
        dependant, endpoint = self.dependant, self.endpoint
        guards = [inner.call for inner in dependant.dependencies]
        names = [inner.name for inner in dependant.dependencies]
        rest = (
            dependant.path_params,
            dependant.query_params,
            dependant.header_params,
            dependant.cookie_params,
            dependant.body_params,
        )
        if len(guards) != 1 or any(rest) or dependant.request_param_name is None:
            raise TypeError(_ONLY)
        guard, caller_name, request_name = guards[0], names[0], dependant.request_param_name
        if not isinstance(guard, Guard) or caller_name is None:
            raise TypeError(_ONLY)

        async def handle(request: Request) -> Response:
            said = request.headers.get("authorization")
            scheme, token = get_authorization_scheme_param(said)
            # As fastapi.security.HTTPBearer reads it.
            caller = await guard.admit(request, token if scheme.lower() == "bearer" else "")
            answer: Response = await endpoint(**{request_name: request, caller_name: caller})
            return answer

        return handle
