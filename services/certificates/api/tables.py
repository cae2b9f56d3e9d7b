"""The door for many questions in a file: send a table, see how far it is, fetch the answers.

How files are read and written stands in table_files.
"""

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from services.certificates.actions.tabling import (
    KEPT_FOR,
    MOST_UNFINISHED,
    Tabling,
    TooManyTables,
)
from services.certificates.api.asking import may_ask_for
from services.certificates.api.table_files import (
    MEDIA_TYPE,
    MOST_BYTES,
    MOST_LINES,
    read_table,
    written,
)
from services.certificates.api.verifications import Asker
from services.certificates.api.views import answered, language
from services.certificates.domain.purposes import Purpose
from services.certificates.store.tables import Table
from services.kit.auth import Caller
from services.kit.database import Database
from services.kit.idempotency import IdempotencyKeyHeader, run_idempotent
from services.kit.intake import body_limit
from services.kit.problems import Problem, not_found

PATH = "/v1/verifications/table"


class TableState(StrEnum):
    """How far a table is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


class TableView(BaseModel):
    """A table. total, done: lines. result: where the answers are, once it is done."""

    table_id: UUID
    state: TableState
    total: int
    done: int
    made_at: datetime
    finished_at: datetime | None
    kept_until: datetime
    result: str | None

    @classmethod
    def of(cls, table: Table) -> "TableView":
        """The view of a table."""
        is_done = table.finished_at is not None
        begun = TableState.RUNNING if table.done else TableState.WAITING
        return cls(
            table_id=table.table_id,
            state=TableState.DONE if is_done else begun,
            total=table.total,
            done=table.done,
            made_at=table.made_at,
            finished_at=table.finished_at,
            kept_until=table.made_at + KEPT_FOR,
            result=f"{PATH}/{table.table_id}/result" if is_done else None,
        )


def routes(db: Database, tabling: Tabling) -> APIRouter:
    """The routes of /v1/verifications/table."""
    router = APIRouter(tags=["verifications"])

    @router.post(
        PATH,
        status_code=202,
        summary="上传表格核验 · verify a table",
        dependencies=[IdempotencyKeyHeader],
        responses={202: {"model": TableView, "description": "Taken in; Location says where."}},
        openapi_extra={**body_limit(MOST_BYTES), "requestBody": _documented_body()},
    )
    async def upload(
        request: Request, caller: Asker, purpose: Annotated[Purpose, Query()]
    ) -> Response:
        """Each line is answered on its own. The file is sealed until then, and then destroyed."""
        may_ask_for(purpose, caller)
        body = await request.body()
        # Off the loop: a full table is read for longer than others should wait.
        lines = await asyncio.to_thread(read_table, body, request.headers)

        async def write(database: Database) -> Response:
            try:
                table = await tabling.take_in(
                    database, lines, requester=caller.subject, role=caller.role, purpose=purpose
                )
            except TooManyTables:
                raise _too_many() from None
            response = answered(TableView.of(table), 202, language(request))
            response.headers["Location"] = f"{PATH}/{table.table_id}"
            return response

        response = await run_idempotent(db, request, caller, write)
        tabling.wake()
        return response

    @router.get(f"{PATH}/{{table_id}}", summary="表格核验进度 · how far a table is")
    async def progress(caller: Asker, table_id: UUID) -> TableView:
        """For whoever sent it alone."""
        return TableView.of(await _table_of(caller, table_id))

    @router.get(
        f"{PATH}/{{table_id}}/result",
        summary="表格核验结果 · the answers to a table",
        responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
        response_class=Response,
    )
    async def result(request: Request, caller: Asker, table_id: UUID) -> Response:
        """A CSV file: masked numbers, verdicts, receipt numbers; no names. Kept for seven days."""
        table = await _table_of(caller, table_id)
        if table.finished_at is None:
            raise _not_done()
        results = await tabling.results(table_id)
        in_language = language(request)
        return Response(
            await asyncio.to_thread(written, results, in_language),
            media_type=f"{MEDIA_TYPE}; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="verifications-{table_id}.csv"',
                "Content-Language": in_language,
                "Vary": "Accept-Language",
                "Cache-Control": "no-store",
            },
        )

    async def _table_of(caller: Caller, table_id: UUID) -> Table:
        table = await tabling.table(table_id)
        if table is None or (table.requester, table.role) != (caller.subject, caller.role):
            raise not_found()
        return table

    return router


def _too_many() -> Problem:
    return Problem(
        429,
        "too_many_tables",
        zh=f"您已有 {MOST_UNFINISHED} 份表格在等待核验。请等其中一份完成后再上传。",
        en=f"{MOST_UNFINISHED} of your tables are waiting already. Send more once one is done.",
        headers={"Retry-After": "30"},
        most=MOST_UNFINISHED,
    )


def _not_done() -> Problem:
    return Problem(
        409,
        "table_not_done",
        zh="这份表格还没有核验完。请稍后再取结果。",
        en="This table is not answered yet. Fetch the result later.",
        headers={"Retry-After": "2"},
    )


def _documented_body() -> dict[str, Any]:
    example = "证书编号,姓名,身份证号\r\nS000053000123233000456,样例求职者,999999199003070012\r\n"
    return {
        "required": True,
        "description": "UTF-8 or GB18030; the first line names the columns: number 证书编号, "
        "holder_name 姓名, identity_number 身份证号, and where wanted occupation 职业编码, issuer "
        f"发证机构代码. At most {MOST_LINES} lines.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": example}},
    }
