"""Why a file of certificates is refused whole, in words.

What is wrong with one of its lines stands in registry_lines.
"""

from starlette.datastructures import Headers

from services.certificates.api.certificate_files import ENCODINGS
from services.certificates.domain.signed_imports import MediaType, SignatureRule
from services.kit.intake import require_content_type
from services.kit.ndjson import MEDIA_TYPES
from services.kit.problems import Problem

_SIGNATURE: dict[SignatureRule, tuple[int, str, str]] = {
    SignatureRule.MALFORMED: (
        400,
        "请求头 Rengang-Signature 不是导入签名：应为紧凑 JWS（EdDSA，typ 为 rengang-import+jwt）。"
        "可用 ./rengang registry sign 生成。",
        "The header Rengang-Signature is no signature of an import: it must be a compact JWS "
        "(EdDSA, typ rengang-import+jwt). ./rengang registry sign makes one.",
    ),
    SignatureRule.UNKNOWN_KEY: (
        403,
        "签名的密钥不是该机构登记的密钥。请核对密钥，或请运维人员登记新的公钥。",
        "The key of the signature is none that the issuer registered. Check the key, or have the "
        "operator register its public part.",
    ),
    SignatureRule.WRONG: (
        403,
        "签名不正确：签名后被改动，或不是由该密钥签的。",
        "The signature is wrong: changed after it was signed, or not signed by that key.",
    ),
    SignatureRule.FROM_THE_FUTURE: (
        422,
        "签名时间（iat）在将来。请校准签名机器的时钟后重新签名。",
        "The time of the signature (iat) lies in the future. Set the clock of the machine that "
        "signs, and sign again.",
    ),
}


def signature_refused(rule: SignatureRule) -> Problem:
    """The signature proves nothing."""
    status, zh, en = _SIGNATURE[rule]
    return Problem(status, f"signature_{rule}", zh=zh, en=en)


def issuer_not_registered() -> Problem:
    """Nobody registered the issuer that the signature names."""
    return Problem(
        422,
        "issuer_not_registered",
        zh="签名中的发证机构未在本市登记，请先由运维人员登记。",
        en="The issuer named in the signature is not registered here; have the operator register "
        "it first.",
    )


def another_city() -> Problem:
    """A partner city answers for the issuer."""
    return Problem(
        422,
        "issuer_of_another_city",
        zh="此发证机构属于协作城市，其证书请向该城市导入。",
        en="This issuer belongs to a partner city; its certificates are imported there.",
    )


def file_differs() -> Problem:
    """The file is not the one that was signed."""
    return Problem(
        422,
        "file_differs",
        zh="文件与签名不符（SHA-256 不同），没有导入任何内容。请按签名时的样子发送，或重签。",
        en="The file is not the one that was signed (another SHA-256); nothing was taken in. Send "
        "it byte for byte, or sign it again.",
    )


def rows_differ(found: int, signed: int) -> Problem:
    """The file has another number of rows than was signed."""
    return Problem(
        422,
        "rows_differ",
        zh=f"签名写明 {signed} 行，文件有 {found} 行，没有导入任何内容。空行和 CSV 表头不计。",
        en=f"{signed} row(s) were signed for and the file has {found}; nothing was taken in. Blank "
        "lines and the header of CSV do not count.",
        rows=found,
    )


def other_file() -> Problem:
    """The import's id was used for another file."""
    return Problem(
        409,
        "import_id_used",
        zh="此导入编号（import_id）已用于另一个文件。每个文件请用新的编号签名。",
        en="This import_id was used for another file. Sign each file under an id of its own.",
    )


def moved_on() -> Problem:
    """Somebody else goes on with the same import."""
    return Problem(
        409,
        "import_goes_on_elsewhere",
        zh="同一导入正在另一处进行。请稍后重新发送同一文件，即可得到完整报告。",
        en="The same import goes on elsewhere. Send the same file again later for its report.",
        headers={"Retry-After": "5"},
    )


def interrupted() -> Problem:
    """The database went away in the middle."""
    return Problem(
        503,
        "import_interrupted",
        zh="数据库暂时没有响应，导入中断。请稍后重新发送同一文件：从断处继续，不会重复。",
        en="The database does not answer now. Send the same file again later: it goes on where it "
        "stopped, and nothing is doubled.",
        headers={"Retry-After": "2"},
    )


def signature_wanted() -> Problem:
    """Only signed imports are taken here."""
    return Problem(
        403,
        "signature_wanted",
        zh="本系统只接受发证机构签名的导入：请用 POST /v1/registry/imports"
        "（./rengang registry import）。",
        en="Only imports signed by their issuer are taken: use POST /v1/registry/imports "
        "(./rengang registry import).",
    )


def read_content_type(headers: Headers, signed: MediaType) -> str | None:
    """The encoding that the sender names, of a body of the type that was signed.

    Raises Problem 415, 422.
    """
    if signed is MediaType.NDJSON:
        require_content_type(headers, *MEDIA_TYPES)
        return None
    media_type, *parameters = headers.get("content-type", "").lower().split(";")
    said = {
        name.strip(): value.strip().strip('"')
        for name, _, value in (parameter.partition("=") for parameter in parameters)
    }
    charset = said.get("charset")
    if media_type.strip() != MediaType.CSV or (charset is not None and charset not in ENCODINGS):
        raise Problem(
            415,
            "content_type_not_supported",
            zh="请求头 Content-Type 应为签名写明的 text/csv，charset 为 utf-8 或 gb18030。",
            en="The header Content-Type must be text/csv as was signed, charset utf-8 or gb18030.",
            headers={"Accept": "text/csv"},
        )
    return None if charset is None else ENCODINGS[charset]
