"""What issuers say: registrations, whether one is good at a moment, which one answers a question.

Who claims it does not live here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from services.certificates.domain.digests import Statement, holder
from services.certificates.domain.numbers import CertificateNumber, NumberFormat
from services.certificates.domain.verdicts import Verdict

# The whole country keeps one clock and no daylight saving time.
CHINA = timezone(timedelta(hours=8))


class RegistryStatus(StrEnum):
    """What the issuer says of a certificate, apart from its dates."""

    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Kind(StrEnum):
    """What sort of certificate it is: 职业技能等级证书, 职业资格证书, 特种作业操作证, 职称."""

    SKILL_LEVEL = "skill-level"
    QUALIFICATION = "qualification"
    SPECIAL_OPERATION = "special-operation"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate in the registry. level: 1…8 or None. valid_until: its last good day.

    recognised: false where another city vouches for it and ours does not let that count.
    title_rank: 1…5, of a title. review_due: its last good day without another review. origin: None
    where an issuer of ours vouches for it, else the city whose answer it mirrors, given at
    checked_at. status_list, status_index: its place in our own status lists. Place and origin say
    nothing of the certificate, so they are not compared.
    """

    entry_id: UUID
    issuer: str
    occupation: str
    level: int | None
    level_label: str | None
    name: str
    issued_on: date
    valid_until: date | None
    status: RegistryStatus
    recognised: bool = True
    kind: Kind = Kind.SKILL_LEVEL
    title_rank: int | None = None
    review_due: date | None = None
    origin: str | None = field(default=None, compare=False)
    checked_at: datetime | None = field(default=None, compare=False)
    status_list: int | None = field(default=None, compare=False)
    status_index: int | None = field(default=None, compare=False)

    @property
    def last_good_day(self) -> date | None:
        """Until when it counts if nothing more is said of it; None: for ever."""
        days = [day for day in (self.valid_until, self.review_due) if day is not None]
        return min(days, default=None)

    def verdict(self, now: datetime) -> Verdict:
        """What it is worth at that moment; the reason that lasts longest is the one given."""
        if self.status is RegistryStatus.REVOKED:
            return Verdict.REVOKED
        if self.valid_until is not None and now >= ends_at(self.valid_until):
            return Verdict.EXPIRED
        if self.status is RegistryStatus.SUSPENDED or self._is_review_overdue(now):
            return Verdict.SUSPENDED
        return Verdict.VALID

    def judged(self, now: datetime) -> tuple[Verdict, str | None]:
        """What it is worth at that moment, and a stable code where there is more to say."""
        verdict = self.verdict(now)
        if verdict is Verdict.VALID and not self.recognised:
            return verdict, NOT_RECOGNISED
        if verdict is Verdict.SUSPENDED and self.status is not RegistryStatus.SUSPENDED:
            return verdict, REVIEW_OVERDUE
        return verdict, None

    def _is_review_overdue(self, now: datetime) -> bool:
        return self.review_due is not None and now >= ends_at(self.review_due)


REVIEW_OVERDUE = "review-overdue"
"""The reason of what counts again once its periodic review was made."""

NOT_RECOGNISED = "not-recognised"
"""The reason of what another city vouches for and ours does not let count."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A line of an import: what an issuer says of one certificate, without any number or name.

    scope: tells apart what shares a number; empty unless the number is the holder's own.
    review_stated: whether the issuer said when the next review is due; else that was worked out.
    corrects: whether it may take back a revocation.
    """

    statement: Statement
    scope: str
    number_masked: str
    number_format: NumberFormat
    issuer: str
    occupation: str
    level: int | None
    level_label: str | None
    name: str
    issued_on: date
    valid_until: date | None
    status: RegistryStatus
    kind: Kind = Kind.SKILL_LEVEL
    title_rank: int | None = None
    review_due: date | None = None
    review_stated: bool = True
    corrects: bool = False

    @property
    def key(self) -> tuple[str, bytes, str]:
        """What makes two lines speak of one certificate."""
        return self.issuer, self.statement.number, self.scope

    def after(self, before: "Registration | None") -> "Registration":
        """What it comes to for a certificate of which this was said before.

        A review that was worked out from the date of issue alone does not undo one that was made.
        """
        if (
            before is None
            or self.review_stated
            or before.review_due is None
            or (self.kind, self.issued_on) != (before.kind, before.issued_on)
        ):
            return self
        return replace(self, review_due=before.review_due)

    def says_the_same(self, before: "Registration") -> bool:
        """Whether nothing is new in it."""
        return self.content == before.content

    def may_follow(self, before: "Registration") -> bool:
        """Whether it may be said after that: only a correction takes a revocation back."""
        was_revoked = before.status is RegistryStatus.REVOKED
        return self.corrects or not was_revoked or self.status is RegistryStatus.REVOKED

    @property
    def content(self) -> tuple[object, ...]:
        """All that is said of the certificate."""
        return (
            self.statement,
            self.occupation,
            self.level,
            self.level_label,
            self.title_rank,
            self.name,
            self.kind,
            self.issued_on,
            self.valid_until,
            self.review_due,
            self.status,
        )


class RegistrationRule(StrEnum):
    """What a line may not say, although each of its fields is well-formed."""

    ISSUED_IN_FUTURE = "issued_in_future"
    ENDS_BEFORE_ISSUE = "ends_before_issue"
    REVIEW_BEFORE_ISSUE = "review_before_issue"
    REVIEWED_IN_FUTURE = "reviewed_in_future"
    NEXT_REVIEW_UNKNOWN = "next_review_unknown"
    NAME_TELLS_PERSON = "name_tells_person"
    ISSUER_TELLS_PERSON = "issuer_tells_person"


def broken_rules(
    number: CertificateNumber,
    holder_name: str,
    identity: str,
    *,
    name: str,
    issuer: str,
    issued_on: date,
    valid_until: date | None,
    today: date,
) -> list[RegistrationRule]:
    """The rules that a line breaks. identity: in its one spelling.

    The certificate's name and its issuer travel on the bus, where no person may be told.
    """
    broken = []
    if issued_on > today:
        broken.append(RegistrationRule.ISSUED_IN_FUTURE)
    if valid_until is not None and valid_until < issued_on:
        broken.append(RegistrationRule.ENDS_BEFORE_ISSUE)
    told_name, told_issuer = _spelled(name), _spelled(issuer)
    for told in (holder(holder_name), identity.casefold(), number.text.casefold()):
        # A name of one character stands in half of all words.
        if len(told) > 1:
            if told in told_name:
                broken.append(RegistrationRule.NAME_TELLS_PERSON)
            if told in told_issuer:
                broken.append(RegistrationRule.ISSUER_TELLS_PERSON)
    return list(dict.fromkeys(broken))


# Of certificates and issuers, not of persons: one file names the same few a million times.
_spelled = lru_cache(maxsize=4096)(holder)

REVIEW_YEARS = 3
"""特种作业操作证 are reviewed every three years.

Source: 特种作业人员安全技术培训考核管理规定 (第21条)."""


@dataclass(frozen=True, slots=True)
class Review:
    """When a certificate must be reviewed next. is_stated: whether the issuer said so."""

    due: date | None
    is_stated: bool


def review_of(
    kind: Kind, issued_on: date, *, reviewed_on: date | None, due: date | None, today: date
) -> Review | RegistrationRule:
    """The next review by what a line says of the last (reviewed_on) or the next (due), or what is
    wrong with that."""
    if reviewed_on is not None and reviewed_on > today:
        return RegistrationRule.REVIEWED_IN_FUTURE
    if any(day is not None and day < issued_on for day in (reviewed_on, due)):
        return RegistrationRule.REVIEW_BEFORE_ISSUE
    if due is not None:
        return Review(due, is_stated=True)
    if kind is Kind.SPECIAL_OPERATION:
        return Review(_years_after(reviewed_on or issued_on), is_stated=reviewed_on is not None)
    if reviewed_on is not None:
        return RegistrationRule.NEXT_REVIEW_UNKNOWN
    return Review(None, is_stated=False)


def _years_after(day: date) -> date:
    year = day.year + REVIEW_YEARS
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def kind_by(number: CertificateNumber) -> Kind:
    """The kind that a line means that names none."""
    match number.format:
        case NumberFormat.SPECIAL_OPERATION:
            return Kind.SPECIAL_OPERATION
        case NumberFormat.VOCATIONAL_QUALIFICATION:
            return Kind.QUALIFICATION
        case _:
            return Kind.SKILL_LEVEL


class Flag(StrEnum):
    """What is odd about a line and still no reason to refuse it."""

    UNUSUAL_NUMBER = "unusual_number"
    NUMBER_SAYS_OTHER_LEVEL = "number_says_other_level"
    NUMBER_SAYS_OTHER_YEAR = "number_says_other_year"
    NUMBER_SAYS_OTHER_HOLDER = "number_says_other_holder"
    NUMBER_SAYS_OTHER_KIND = "number_says_other_kind"
    NUMBER_SAYS_OTHER_ISSUER = "number_says_other_issuer"
    NEWER_STATEMENT_KEPT = "newer_statement_kept"


def scope_of(number: CertificateNumber, occupation: str, name: str) -> str:
    """Every special-operation card of a person bears the same number: T and the identity number."""
    if number.format is NumberFormat.SPECIAL_OPERATION:
        return f"{occupation} {name}"
    return ""


_ISSUER_IN_NUMBERS = re.compile(r"[YS][0-9]{12}")


def flags_of(
    number: CertificateNumber,
    identity: str,
    level: int | None,
    issued_on: date,
    *,
    kind: Kind,
    issuer: str,
) -> list[Flag]:
    """Where the number does not say what the line says. identity: in its one spelling."""
    if number.format is NumberFormat.OTHER:
        # 职称 have no one format.
        return [] if kind is Kind.TITLE else [Flag.UNUSUAL_NUMBER]
    odd = []
    if number.level is not None and number.level != level:
        odd.append(Flag.NUMBER_SAYS_OTHER_LEVEL)
    if number.year is not None and number.year != issued_on.year % 100:
        odd.append(Flag.NUMBER_SAYS_OTHER_YEAR)
    if number.identity is not None and number.identity != identity:
        odd.append(Flag.NUMBER_SAYS_OTHER_HOLDER)
    if kind is not kind_by(number):
        odd.append(Flag.NUMBER_SAYS_OTHER_KIND)
    if (
        number.issuer is not None
        and number.issuer != issuer
        and _ISSUER_IN_NUMBERS.fullmatch(issuer)
    ):
        odd.append(Flag.NUMBER_SAYS_OTHER_ISSUER)
    return odd


def ends_at(valid_until: date) -> datetime:
    """The first moment at which a certificate good until that day no longer is."""
    midnight = datetime.combine(valid_until + timedelta(days=1), datetime.min.time(), CHINA)
    return midnight.astimezone(UTC)


def today(now: datetime) -> date:
    """The date in China."""
    return now.astimezone(CHINA).date()


_BEST_FIRST = (Verdict.VALID, Verdict.SUSPENDED, Verdict.EXPIRED, Verdict.REVOKED)


def answer(
    entries: Iterable[Entry], now: datetime, *, kept: UUID | None = None
) -> tuple[Verdict, Entry | None]:
    """The verdict over all that the registry has for one statement, and what it rests on.

    Where several certificates bear the number, the best of them: good before not, then the one it
    rested on before (`kept`), the higher level, the longer validity, the smaller id.
    """

    def rank(entry: Entry) -> tuple[int, bool, int, date, int]:
        return (
            -_BEST_FIRST.index(entry.verdict(now)),
            entry.entry_id == kept,
            entry.level or 0,
            entry.valid_until or date.max,
            -entry.entry_id.int,
        )

    best = max(entries, key=rank, default=None)
    return (Verdict.NOT_FOUND, None) if best is None else (best.verdict(now), best)
