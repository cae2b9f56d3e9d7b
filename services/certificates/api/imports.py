"""The issuers' door: files of certificates, signed by who issued them, a report for each line.

What is done with what was read stands in actions.importing and signed_importing.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, BinaryIO
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.certificates.actions.importing import (
    MOST_LINES,
    Imported,
    Importer,
    import_registrations,
)
from services.certificates.actions.issuing import issuer_of
from services.certificates.actions.signed_importing import (
    Batch,
    MovedOn,
    OtherFile,
    begin_import,
    check_import,
    go_on,
    import_so_far,
    reports_of,
)
from services.certificates.api.certificate_files import CertificateFile
from services.certificates.api.import_refusals import (
    another_city,
    file_differs,
    interrupted,
    issuer_not_registered,
    moved_on,
    other_file,
    read_content_type,
    rows_differ,
    signature_refused,
    signature_wanted,
)
from services.certificates.api.registry_lines import (
    FlaggedLine,
    GoodLine,
    Reader,
    RegistryReport,
    reported,
    schema,
    told_briefly,
)
from services.certificates.domain.digests import Pepper
from services.certificates.domain.registry import today
from services.certificates.domain.signed_imports import (
    SignatureRefused,
    SignedImport,
    claimed_issuer,
    read_signature,
)
from services.certificates.store.imports import BatchReport, Counts, Progress
from services.kit.auth import Caller, Role, require
from services.kit.database import Database, DatabaseUnavailable
from services.kit.intake import MIB, body_limit, too_large
from services.kit.ndjson import (
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    MAX_LINES,
    MEDIA_TYPES,
    BadLine,
    Line,
    LineReport,
    ndjson_body,
    read_lines,
)
from services.kit.problems import not_found

MOST_FILE_BYTES = 512 * MIB

Sender = Annotated[Caller, Depends(require(Role.OPERATOR, Role.PARTNER))]


class ImportProgress(BaseModel):
    """How far an import has come. done: rows that are in, from the first on. report_dropped_at:
    when the lines of the report were dropped; null: they are all there.
    """

    import_id: UUID
    issuer: str
    rows: int
    done: int
    created: int
    revised: int
    unchanged: int
    rejected: int
    stated_at: datetime
    begun_at: datetime
    finished_at: datetime | None
    report_dropped_at: datetime | None

    @classmethod
    def of(cls, progress: Progress, counts: Counts) -> "ImportProgress":
        """The view of an import."""
        return cls(
            import_id=progress.import_id,
            issuer=progress.issuer,
            rows=progress.n_rows,
            done=progress.n_done,
            created=counts.created,
            revised=counts.revised,
            unchanged=counts.unchanged,
            rejected=counts.rejected,
            stated_at=progress.stated_at,
            begun_at=progress.begun_at,
            finished_at=progress.finished_at,
            report_dropped_at=progress.report_dropped_at,
        )


class SignedReport(ImportProgress):
    """The report of an import: every row that is in, in order, and those worth a second look.

    Once the report was dropped, what came after that alone.
    """

    lines: list[LineReport]
    flagged: list[FlaggedLine]


def routes(
    db: Database,
    pepper: Pepper,
    importer: Importer,
    *,
    clock: Callable[[], datetime],
    allow_unsigned: bool = False,
) -> APIRouter:
    """The routes of /v1/registry. allow_unsigned: let operators bring in what nobody signed."""
    router = APIRouter(tags=["registry"])

    @router.post(
        "/v1/registry/imports",
        summary="导入签名的证书文件 · import a signed file of certificates",
        response_class=Response,
        responses={200: {"model": SignedReport, "description": "All of it is in."}},
        openapi_extra={**body_limit(MOST_FILE_BYTES), "requestBody": _documented_file()},
    )
    async def import_signed(
        request: Request,
        caller: Sender,
        signature: Annotated[
            str,
            Header(
                alias="Rengang-Signature",
                min_length=1,
                description="发证机构对文件的签名 · compact JWS (EdDSA) over {issuer, sha256, "
                "rows, import_id, media_type, iat}, typ rengang-import+jwt",
            ),
        ],
    ) -> Response:
        """Whoever sends it: what counts is that the issuer signed it. Sent again, it goes on.

        The signature stands in a header, not beside the file in a multipart body: it is checked
        before the file is received, and the file goes to disk as it comes.
        """
        signed = await _signed(db, signature, clock())
        encoding = read_content_type(request.headers, signed.media_type)
        try:
            await check_import(db, signed)
            with tempfile.TemporaryFile() as received:
                await _receive(request, received, signed)
                file = CertificateFile(received, signed.media_type, encoding)
                n_rows = await asyncio.to_thread(file.count)
                if n_rows != signed.n_rows:
                    raise rows_differ(n_rows, signed.n_rows)
                progress = await begin_import(db, signed, caller.subject, clock())
                reader = Reader(pepper, today(clock()), signed.issuer)
                batches = _Batches(file.rows(progress.n_done), reader, progress.n_done)
                await go_on(db, importer, signed, batches, clock)
            return await _report(db, signed.import_id)
        except OtherFile:
            raise other_file() from None
        except MovedOn:
            raise moved_on() from None
        except DatabaseUnavailable:
            raise interrupted() from None

    @router.get(
        "/v1/registry/imports/{import_id}",
        summary="导入的进度与结果 · how far an import has come, and its report",
        response_class=Response,
        responses={200: {"model": SignedReport}},
    )
    async def import_report(
        import_id: UUID,
        caller: Sender,
        lines: Annotated[
            bool, Query(description="false：只要进度 · the progress alone, without the lines")
        ] = True,
    ) -> Response:
        """For whoever sent it, and operators."""
        found = await import_so_far(db, import_id)
        if found is None or not (caller.role is Role.OPERATOR or caller.subject == found[0].sender):
            raise not_found()
        if lines:
            return await _report(db, import_id)
        return Response(ImportProgress.of(*found).model_dump_json(), media_type="application/json")

    @router.post(
        "/v1/registry/import",
        summary="导入未签名的登记（仅供测试） · import what nobody signed, for trials",
        dependencies=[Depends(require(Role.OPERATOR))],
        openapi_extra={**body_limit(MAX_BODY_BYTES), "requestBody": _documented_lines()},
    )
    async def import_unsigned(request: Request) -> RegistryReport:
        """One JSON object a line; a later line wins over an earlier one of the same certificate.

        Off unless CERTIFICATES_UNSIGNED_IMPORTS is set. Sending the same again changes nothing.
        """
        if not allow_unsigned:
            raise signature_wanted()
        body = await ndjson_body(request)
        now = clock()
        # Off the loop: a full import is read for longer than others should wait.
        good, bad = await asyncio.to_thread(_read, read_lines(body), Reader(pepper, today(now)))
        imported = await import_registrations(
            db, importer, [line.registration for line in good], now
        )
        return reported(good, bad, imported)

    return router


async def _signed(db: Database, signature: str, now: datetime) -> SignedImport:
    """What the issuer signed. Raises Problem 400, 403, 422."""
    try:
        issuer = await issuer_of(db, claimed_issuer(signature))
        if issuer is None:
            raise issuer_not_registered()
        if issuer.origin is not None:
            raise another_city()
        return read_signature(signature, issuer.public_keys, now)
    except SignatureRefused as refused:
        raise signature_refused(refused.rule) from None


async def _receive(request: Request, received: BinaryIO, signed: SignedImport) -> None:
    """Raises Problem 413, 422."""
    digest = hashlib.sha256()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_FILE_BYTES:
            raise too_large(MOST_FILE_BYTES)
        digest.update(chunk)
        received.write(chunk)
    if digest.digest() != signed.sha256:
        raise file_differs()


def _read(
    lines: Iterator[Line | BadLine], reader: Reader
) -> tuple[list[GoodLine], list[LineReport]]:
    good: list[GoodLine] = []
    bad: list[LineReport] = []
    for line in lines:
        read = reader.read(line)
        if isinstance(read, GoodLine):
            good.append(read)
        else:
            bad.append(read)
    return good, bad


@dataclass(slots=True)
class _Batches:
    """Reads a file on, some rows a call."""

    rows: Iterator[Line | BadLine]
    reader: Reader
    next_row: int

    def __call__(self) -> Batch | None:
        good, bad = _read(islice(self.rows, MOST_LINES), self.reader)
        if not good and not bad:
            return None
        first_row, n_rows = self.next_row, len(good) + len(bad)
        self.next_row += n_rows

        def tell(imported: Sequence[Imported]) -> BatchReport:
            told = told_briefly(good, bad, imported)
            return BatchReport(
                created=told.counts["created"],
                revised=told.counts["revised"],
                unchanged=told.counts["unchanged"],
                rejected=told.counts["rejected"],
                lines=told.lines,
                flagged=told.flagged,
            )

        return Batch(first_row, n_rows, [line.registration for line in good], tell)


async def _report(db: Database, import_id: UUID) -> Response:
    """The whole report, put together as it is sent: it may have millions of lines."""
    found = await import_so_far(db, import_id)
    if found is None:
        raise not_found()
    progress, counts = found
    head = orjson.dumps(ImportProgress.of(progress, counts).model_dump(mode="json"))

    async def parts() -> AsyncIterator[bytes]:
        yield head[:-1] + b',"lines":['
        flagged: list[str] = []
        comma = ""
        async for lines, odd in reports_of(db, progress):
            yield (comma + lines).encode()
            comma = ","
            flagged += [odd] if odd else []
        yield f'],"flagged":[{",".join(flagged)}]}}'.encode()

    return StreamingResponse(parts(), media_type="application/json")


def _documented_file() -> dict[str, Any]:
    return {
        "required": True,
        "description": f"NDJSON：一行一个 JSON 对象；CSV：UTF-8 或 GB18030，首行为列名 · one JSON "
        f"object a line of at most {MAX_LINE_BYTES // 1024} KiB, or CSV with a header; at most "
        f"{MOST_FILE_BYTES // MIB} MiB.",
        "content": {
            MEDIA_TYPES[0]: {"schema": schema()},
            "text/csv": {"schema": {"type": "string"}},
        },
    }


def _documented_lines() -> dict[str, Any]:
    return {
        "required": True,
        "description": f"一行一个 JSON 对象 · one JSON object a line; at most {MAX_LINES} lines of "
        f"{MAX_LINE_BYTES // 1024} KiB, {MAX_BODY_BYTES // MIB} MiB in all.",
        "content": {media_type: {"schema": schema()} for media_type in MEDIA_TYPES},
    }
