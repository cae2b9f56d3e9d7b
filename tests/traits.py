"""What people say of protected traits: of themselves, and of whom an advert wants.

How it is hidden does not live here, nor what is said of the work.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

Column = tuple[str, ...]

OF_ONESELF: dict[str, Column] = {
    "sex": ("女", "男", "性别：女", "性别男", "女士", "男性", "female", "Male", "Gender: F"),
    "age": (
        "35岁",
        "52周岁",
        "年龄28",
        "年龄：45岁",
        "90后",
        "1990年出生",
        "1985年3月生",
        "三十五岁",
        "aged 35",
        "42 years old",
        "Age: 29",
        "born in 1990",
    ),
    "ethnicity": (
        "汉族",
        "彝族",
        "哈尼族",
        "民族：白族",
        "少数民族",
        "Yi ethnicity",
        "Hui nationality",
    ),
    "religion": ("信佛教", "基督徒", "穆斯林", "无宗教信仰", "Muslim", "Religion: Buddhist"),
    "family": (
        "已婚已育",
        "未婚",
        "离异",
        "婚姻状况：已婚",
        "有两个孩子",
        "怀孕",
        "married with two children",
        "single",
        "Marital status: divorced",
    ),
    "health": (
        "身体健康",
        "健康状况：良好",
        "无传染病",
        "患有糖尿病",
        "持残疾证",
        "肢体残疾四级",
        "乙肝小三阳",
        "in good health",
        "disabled",
    ),
    "household": (
        "本地户口",
        "农村户口",
        "昆明户口",
        "曲靖市户籍",
        "户籍在玉溪",
        "籍贯：楚雄",
        "非农业户口",
        "rural hukou",
        "Kunming hukou",
    ),
}
"""By trait, what a person says."""

OF_WHOM_IS_WANTED: dict[str, Column] = {
    "sex": (
        "男女不限",
        "限男性",
        "女士优先",
        "只招女工",
        "要求男性",
        "性别：女",
        "female preferred",
        "men only",
        "m/f/d",
    ),
    "age": (
        "18-45岁",
        "35周岁（含）以下",
        "年龄20至40周岁",
        "年满十八周岁",
        "55岁以下",
        "年龄：30-50岁",
        "90后优先",
        "年龄不限",
        "aged 18-45",
        "under 35 years old",
        "any age",
    ),
    "ethnicity": (
        "彝族优先",
        "汉族",
        "少数民族优先考虑",
        "民族不限",
        "Han ethnicity preferred",
        "ethnic minority preferred",
    ),
    "religion": ("无宗教信仰", "信仰不限", "穆斯林优先", "no religious belief", "Muslim preferred"),
    "family": (
        "已婚已育优先",
        "婚育不限",
        "未婚",
        "限已婚",
        "无子女者优先",
        "married preferred",
        "single only",
    ),
    "health": (
        "身体健康",
        "无色盲色弱",
        "无传染病",
        "无重大疾病",
        "残疾人优先",
        "持残疾证者优先",
        "in good health",
        "no disability",
    ),
    "household": (
        "本地户口优先",
        "限本市户口",
        "昆明户籍优先",
        "农村户口亦可",
        "户籍不限",
        "外地户口亦可",
        "local hukou preferred",
        "Kunming hukou only",
    ),
    "looks": (
        "形象气质佳",
        "五官端正",
        "身高160以上",
        "身高165cm以上",
        "身高1.65米以上",
        "体重60公斤以下",
        "good looking",
    ),
}
"""By trait, what an advert asks. Looks are nobody's trait, but go by sex and age."""

TRAITS = tuple(OF_ONESELF)

_STOPS = ("，", "、", " ", "；", "\n", "。")
_BESIDE = (
    "{title}（{said}）",
    "{title}({said})",
    "{title} {said}",
    "{said} {title}",
    "{title}，{said}",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody tells, by trait: nothing, or one of its column."""

    by_trait: tuple[str | None, ...]

    @property
    def words(self) -> Column:
        """What is told, as it stands in order of the traits."""
        return tuple(word for word in self.by_trait if word is not None)

    def into(self, text: str, draw: random.Random) -> str:
        """The text with these words between two of its sentences."""
        if not self.words:
            return text
        parts = text.split("。")
        at = draw.randrange(len(parts) + 1)
        return "。".join((*parts[:at], self._said(draw), *parts[at:]))

    def among(
        self, items: Iterable[T], made: Callable[[str], T], draw: random.Random
    ) -> Iterator[T]:
        """The items, and each of these words as one more somewhere among them."""
        told = [made(word) for word in self.words]
        for item in items:
            while told and draw.random() < 1 / 2:
                yield told.pop()
            yield item
        yield from told

    def beside(self, title: str, draw: random.Random) -> str:
        """The title with these words before it, behind it or in brackets."""
        if not self.words:
            return title
        return draw.choice(_BESIDE).format(title=title, said=self._said(draw))

    def _said(self, draw: random.Random) -> str:
        words = draw.sample(self.words, len(self.words))
        return draw.choice(_STOPS).join(words)


def dealt(table: dict[str, Column], count: int, draw: random.Random) -> list[Told]:
    """Traits for so many, each kind dealt by itself; a third tell nothing of it."""
    columns = [
        [None if draw.random() < 1 / 3 else draw.choice(words) for _ in range(count)]
        for words in table.values()
    ]
    return [Told(row) for row in zip(*columns, strict=True)]


def dealt_anew(told: Sequence[Told], draw: random.Random) -> list[Told]:
    """The same traits, each kind by itself in the hands of others."""
    columns = [
        draw.sample(column, len(column))
        for column in zip(*(each.by_trait for each in told), strict=True)
    ]
    return [Told(row) for row in zip(*columns, strict=True)]
