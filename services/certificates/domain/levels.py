"""Certificate levels: from what is printed to the one ordinal 1…8, and the ranks of titles.

The names of the ordinals themselves stand in contracts.values.
"""

import re
import unicodedata
from functools import lru_cache

from contracts.values import CERTIFICATE_LEVELS

# The five old grades run down (五级 is the lowest), the eight new steps run up, and certificates
# print either or both: 三级, 高级工, 三级/高级工, 国家职业资格三级（高级技能）.
# Source: 人社部 新八级工 (2022); 职业资格五级制.
_ALSO_PRINTED: dict[int, tuple[str, ...]] = {
    2: ("初级技能", "初级", "五级", "5级", "V级"),
    3: ("中级技能", "中级", "四级", "4级", "IV级"),
    4: ("高级技能", "高级", "三级", "3级", "III级"),
    5: ("二级", "2级", "II级"),
    6: ("一级", "1级", "I级"),
}
_PRINTED = {
    label: level
    for level, name in CERTIFICATE_LEVELS.items()
    for label in (name, *_ALSO_PRINTED.get(level, ()))
}
_TOKEN = re.compile("|".join(sorted(map(re.escape, _PRINTED), key=len, reverse=True)))
_AROUND = re.compile(r"国家职业资格|职业资格|职业技能等级|[\s/()、,·-]|第(?=[一二三四五1-5])")


# 职称 have five ranks of their own; 员级 and 初级 are one, the two highest are printed short too.
# Source: 人社部 职称制度改革 (2016): 初级 (员级, 助理级), 中级, 高级 (副高级, 正高级).
_RANKS = {
    "初级": 1,
    "员级": 1,
    "助理级": 2,
    "中级": 3,
    "副高级": 4,
    "副高": 4,
    "正高级": 5,
    "正高": 5,
}


class LevelUnknown(ValueError):
    """The label names no level, or two different ones."""


def title_rank_of(label: str) -> int:
    """The rank (1…5) that a title's label says. Raises LevelUnknown.

    A bare 高级 is refused: it may be 副高级 or 正高级.
    """
    rank = _RANKS.get("".join(unicodedata.normalize("NFKC", label).split()))
    if rank is None:
        raise LevelUnknown("no rank of a title")
    return rank


# One file says the same few labels a million times.
@lru_cache(maxsize=512)
def level_of(label: str) -> int:
    """The ordinal (1…8) of a printed level. Raises LevelUnknown.

    A bare number is refused: 3 is 高级工 by the old grades and 中级工 by the new steps.
    """
    rest = _AROUND.sub("", unicodedata.normalize("NFKC", label))
    found = {_PRINTED[token] for token in _TOKEN.findall(rest)}
    if len(found) != 1 or _TOKEN.sub("", rest):
        raise LevelUnknown("no level, or more than one")
    return found.pop()
