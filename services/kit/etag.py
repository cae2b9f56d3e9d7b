"""Strong ETags of versions, and the conditions that callers put on them (RFC 9110 §8.8, §13).

Checking the version against the row happens in the action, under the row's lock.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response

from services.kit.problems import Problem

# Possessive: a header of ten thousand commas must not be tried in every way.
_MEMBER = re.compile(r'[ \t]*+(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*+)"[ \t]*+)?(?:,|\Z)')
_MAX_TAGS = 50


def format_etag(version: int) -> str:
    """The ETag of a version: 7 → '"7"'."""
    return f'"{version}"'


def parse_etag(text: str) -> int | None:
    """The version a strong ETag of ours names, or None for any other."""
    match = re.fullmatch(r'"(0|[1-9][0-9]{0,18})"', text)
    return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The versions a caller is willing to change. any_version: it said `*`."""

    versions: frozenset[int]
    any_version: bool = False

    def check(self, version: int) -> None:
        """Raise Problem 412, with the current ETag, unless version is one of them."""
        if not self.any_version and version not in self.versions:
            raise Problem(
                412,
                "version_stale",
                zh=f"内容已被更改，现为第 {version} 版。请重新读取后再修改。",
                en=f"It was changed in the meantime and is at version {version} now. "
                "Read it again, then repeat the change.",
                headers={"ETag": format_etag(version)},
                current_version=version,
            )


def if_match(
    header: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description='The ETag that was read, as in "7". Without it the answer is 428.',
        ),
    ] = None,
) -> IfMatch:
    """A dependency for routes that change what has a version.

    Raises Problem: 428 where the header is missing, 400 where it is malformed. A weak ETag matches
    nothing (RFC 9110 §13.1.1: strong comparison).
    """
    if header is None:
        raise Problem(
            428,
            "if_match_missing",
            zh='请在请求头 If-Match 中写上您读到的 ETag，例如 If-Match: "7"。',
            en='Send the ETag you have read in the header If-Match, as in If-Match: "7".',
        )
    if header.strip() == "*":
        return IfMatch(frozenset(), any_version=True)
    tags = _tags(header)
    if not tags:
        raise Problem(
            400,
            "if_match_malformed",
            zh='请求头 If-Match 应为带双引号的 ETag，例如 "7"，或 *。',
            en='The header If-Match must be an ETag in double quotes, as in "7", or *.',
        )
    versions = (parse_etag(f'"{opaque}"') for weak, opaque in tags if not weak)
    return IfMatch(frozenset(version for version in versions if version is not None))


def not_modified(request: Request, version: int) -> Response | None:
    """A 304 if the caller's If-None-Match already has this version, else None.

    A malformed header is as none: the answer is then complete, which is never wrong.
    """
    header = ",".join(request.headers.getlist("if-none-match"))
    if not header:
        return None
    # Weak comparison: W/ makes no difference (RFC 9110 §13.1.2).
    same = header.strip() == "*" or str(version) in {opaque for _, opaque in _tags(header)}
    return Response(status_code=304, headers={"ETag": format_etag(version)}) if same else None


def _tags(header: str) -> list[tuple[bool, str]]:
    """Each listed tag: whether it is weak, and its opaque part; [] where the list is malformed."""
    tags: list[tuple[bool, str]] = []
    position = 0
    while position < len(header):
        member = _MEMBER.match(header, position)
        if member is None or len(tags) == _MAX_TAGS:
            return []
        if member[2] is not None:
            tags.append((member[1] is not None, member[2]))
        position = member.end()
    return tags
