"""What each broken rule is answered with.

Rules are broken elsewhere; faults that every service knows are worded in the kit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from services.kit.problems import FieldError, Problem, content_not_accepted, not_found
from services.kit.wordings import pointer_of
from services.seekers.actions.live import TooManyStreams
from services.seekers.actions.profiles import ProfileExists, ProfileNotFound
from services.seekers.actions.webhooks import WebhookNotFound
from services.seekers.domain.profile import Profile, ProfileRefused, Status
from services.seekers.domain.webhooks import UrlRefused

LEFT_ZH = "此人已退出求职；只有本人登录后重新提交资料才能恢复。"
LEFT_EN = "This seeker has withdrawn; only the seeker may come back, by sending the profile."


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the rules broken inside into problems."""
    try:
        yield
    except (ProfileNotFound, WebhookNotFound):
        raise not_found() from None
    except ProfileRefused as refused:
        raise content_not_accepted(errors_of(refused)) from None
    except ProfileExists as exists:
        raise _exists(exists.profile) from None
    except UrlRefused as refused:
        raise content_not_accepted(
            [{"pointer": "/url", "zh": refused.zh, "en": refused.en}]
        ) from None
    except TooManyStreams:
        raise _too_many_streams() from None


def errors_of(refused: ProfileRefused) -> list[FieldError]:
    """The rules that a profile breaks, as faults in what was sent."""
    return [
        {"pointer": pointer_of(rule.place), "zh": rule.zh, "en": rule.en} for rule in refused.broken
    ]


def _exists(profile: Profile) -> Problem:
    withdrawn = profile.status is Status.WITHDRAWN
    return Problem(
        409,
        "profile_exists",
        zh="您已退出求职，资料仍在；用 PUT 提交资料即可恢复。"
        if withdrawn
        else "您已有求职资料；修改请用 PUT。",
        en="You have withdrawn and your profile is still there; come back by PUT."
        if withdrawn
        else "You have a profile already; change it by PUT.",
        headers={"Location": f"/v1/seekers/{profile.seeker_id}"},
        seeker_id=str(profile.seeker_id),
        current_version=profile.version,
    )


def _too_many_streams() -> Problem:
    return Problem(
        429,
        "too_many_streams",
        zh="您打开的实时通知连接过多。请关闭其他页面后重试。",
        en="You have too many live streams open. Close some and try again.",
        headers={"Retry-After": "10"},
    )
