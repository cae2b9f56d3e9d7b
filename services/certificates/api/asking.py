"""Who may look certificates up, why, and how often they may be wrong.

How they ask stands in verifications and tables.
"""

from collections.abc import Mapping

from services.certificates.domain.guesses import Allowance
from services.certificates.domain.purposes import Purpose
from services.kit.auth import Caller, Role
from services.kit.problems import content_not_accepted

Allowances = Mapping[str, Allowance]
"""By role; CITY stands for a partner city's own system at the exchange door."""

CITY = "city"


def may_ask_for(purpose: Purpose, caller: Caller) -> None:
    """Raises Problem 422 where this caller may not look for that purpose."""
    if caller.role is Role.EMPLOYER and purpose is not Purpose.EMPLOYMENT:
        raise content_not_accepted(
            [
                {
                    "pointer": "/purpose",
                    "zh": "用人单位只能为录用核验证书：purpose 应为 employment。",
                    "en": "Employers may verify for employment alone: purpose must be employment.",
                }
            ]
        )
