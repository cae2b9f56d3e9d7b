"""masked(): nothing that leads to a person gets through, and what a job is about does."""

import time
from dataclasses import replace
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.values import Employment
from contracts.vocabulary.counties import places
from contracts.vocabulary.occupations import occupations
from services.seekers.domain.marks import MARK, folded
from services.seekers.domain.masking import blinded, masked
from services.seekers.domain.person import Person
from services.seekers.domain.work import Work, key_of
from tests.seekers.samples import PERSON

# Nothing in this person looks like a word of trade.
STRANGER = Person("欧阳晓菁", "0871-65123456", None, None)

# ---------------------------------------------------------------- what must survive

TRADES = (files(__package__) / "trades.txt").read_text(encoding="utf-8").split()

SENTENCES = (
    "负责女性服装的设计与打版，熟悉女装、男装和童装。",
    "服务对象包括妇女、儿童和老人。",
    "照护患有阿尔茨海默症的老人三年。",
    "为18-60岁的客户制定健身计划。",
    "2015年至2023年在昆明从事焊接，持焊工证。",
    "在汉族和彝族地区做过乡村旅游讲解。",
    "熟悉户籍政策和落户流程。",
    "WeChat MiniProgram, React Native and Spring Boot",
    "I looked at single-page apps and worked with female hygiene products for 10 years.",
    "10 years of experience; managed 25 people.",
    "Cared for disabled people; mental health, born-digital archives.",
    "无人机驾驶，无损检测，无线通信",
    "男女装批发",
    "能看懂PLC程序，会西门子S7-1200、三菱FX3U。",
)


@pytest.mark.parametrize("text", [*TRADES, *SENTENCES])
def test_what_a_job_is_about_stays(text: str) -> None:
    assert masked(text, STRANGER) == text


@pytest.mark.parametrize(
    "names",
    [[name for _, name in occupations()], [place.name for place in places()]],
    ids=["occupations", "places"],
)
def test_every_occupation_and_place_stays(names: list[str]) -> None:
    assert [name for name in names if masked(name, STRANGER) != name] == []


@given(st.lists(st.sampled_from([*TRADES, *SENTENCES]), max_size=12))
def test_any_mix_of_them_stays(parts: list[str]) -> None:
    text = "，".join(part.rstrip("。.") for part in parts)
    assert masked(text, STRANGER) == text


# --------------------------------------------------------------------- what must go

STATED = {
    "女": "女",
    "男，会开车": "男",
    "性别：女": "女",
    "性别 男": "男",
    "本人女，本科": "女",
    "我是一名女性": "女性",
    "女会计": "女",
    "汉族女教师": "汉族女",
    "35岁": "35",
    "本人今年三十五岁": "三十五",
    "年龄:28": "28",
    "女35岁会开车": "女35岁",
    "我是一名35岁的男性": "男性",
    "1989年生": "1989",
    "出生日期 1989-05-01": "1989-05",
    "1989年5月出生于玉溪": "1989",
    "90后，有活力": "90后",
    "属龙": "属龙",
    "汉族": "汉族",
    "民族：彝": "彝",
    "我是白族": "白族",
    "少数民族": "少数民族",
    "信佛": "信佛",
    "宗教信仰：基督教": "基督教",
    "我是穆斯林": "穆斯林",
    "已婚未育": "已婚",
    "未婚": "未婚",
    "婚姻状况：离异": "离异",
    "单身，可住宿": "单身",
    "有一个孩子": "孩子",
    "暂不生二胎，已怀孕": "怀孕",
    "身体健康": "身体健康",
    "健康状况：良好": "良好",
    "无重大疾病": "疾病",
    "本人患有糖尿病": "糖尿病",
    "乙肝小三阳": "三阳",
    "肢体残疾四级": "残疾",
    "持残疾证": "残疾证",
    "身高165cm": "165",
    "昆明户口": "户口",
    "农村户口": "农村",
    "户籍在曲靖市麒麟区": "麒麟",
    "籍贯：云南曲靖": "曲靖",
    "云南省昆明市户籍": "昆明",
    "I am a 35 years old female nurse": "female",
    "Married, two children": "Married",
    "gender: F": "F",
    "Religion: Buddhist": "Buddhist",
    "女 35岁 汉族 已婚": "汉族",
    "女/28岁/未婚": "28",
    "（女，彝族，1990年生）": "彝族",
    "女孩子，能吃苦": "女孩",
    "85年的，有驾照": "85",
    "年龄35": "35",
    "民族 汉": "汉",
    "轻度听力障碍": "听力",
    "我有糖尿病": "糖尿病",
    "身高一米六五": "六五",
    "165cm/50kg": "165",
    "孕妇，可居家办公": "孕妇",
    "35岁女性护理员": "女性",
    "28 y/o male": "male",
    "Gender-Female": "Female",
    "⼥，３５岁": "５",
    "born in 1990, five years of welding": "1990",
    "Yi ethnicity": "Yi",
    "会开叉车。married with two children。": "children",
    "in good health; disabled": "health",
    "Kunming hukou, can drive": "Kunming",
}


@pytest.mark.parametrize(("text", "trait"), STATED.items(), ids=STATED)
def test_a_stated_trait_goes(text: str, trait: str) -> None:
    assert trait not in masked(text, STRANGER)


@pytest.mark.parametrize("trait", [*STATED, "Religion: Buddhist", "health: good"])
def test_what_stands_in_the_next_sentence_stays(trait: str) -> None:
    assert masked(f"{trait}。五年叉车经验", STRANGER).endswith("。五年叉车经验")


FILLER = st.sampled_from(
    [
        "养老护理员，五年经验。",
        "会开叉车；",
        " 熟悉PLC ",
        "\n",
        "，可上夜班，",
        "Java 8 years, ",
        "",
    ]
)
DIGIT_GAPS = st.sampled_from(["", "-", " ", ".", "·", "　", "－"])
DIGITS = st.sampled_from(["0123456789", "０１２３４５６７８９", "〇一二三四五六七八九"])
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
LANDLINES = st.from_regex(r"0(871|874|877|10|21)-[2-9][0-9]{6,7}", fullmatch=True)
BIRTHS = st.dates(date(1940, 1, 1), date(2009, 12, 31))


@st.composite
def _citizen_numbers(draw: st.DrawFn) -> str:
    place = draw(st.sampled_from(["530102", "530302", "530402", "532301"]))
    born, serial = draw(BIRTHS), draw(st.integers(0, 999))
    if draw(st.booleans()):
        return f"{place}{born:%Y%m%d}{serial:03}{draw(st.sampled_from('0123456789Xx'))}"
    return f"{place}{born:%y%m%d}{serial:03}"


@st.composite
def _spelled(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> tuple[str, str]:
    """A number as people write it to get past filters, and its plain digits."""
    number, digits, gap = draw(numbers), draw(DIGITS), draw(DIGIT_GAPS)
    every = draw(st.integers(3, 6))
    written = [digits[int(c)] if c.isdigit() else c for c in number]
    groups = ["".join(written[n : n + every]) for n in range(0, len(written), every)]
    return gap.join(groups), number


def _plain_digits(text: str) -> str:
    numerals = str.maketrans("〇一二三四五六七八九", "0123456789")
    return "".join(c for c in folded(text).translate(numerals) if c.isascii() and c.isalnum())


@given(FILLER, _spelled(MOBILES), FILLER)
def test_a_mobile_number_goes_however_it_is_spelled(
    before: str, spelled: tuple[str, str], after: str
) -> None:
    written, number = spelled
    assert number not in _plain_digits(masked(f"{before}{written}，{after}", STRANGER))


@given(FILLER, LANDLINES, FILLER)
def test_a_landline_goes(before: str, number: str, after: str) -> None:
    text = masked(f"{before}座机{number}，{after}", STRANGER)
    assert number.partition("-")[2] not in text


@given(FILLER, _citizen_numbers(), st.sampled_from(["", " ", "-"]), FILLER)
def test_a_citizen_number_goes(before: str, number: str, gap: str, after: str) -> None:
    date_length = len(number) - 10 if len(number) == 18 else 6
    written = gap.join((number[:6], number[6 : 6 + date_length], number[6 + date_length :]))
    text = masked(f"{before}身份证号{written}，{after}", STRANGER)
    assert number[:14] not in _plain_digits(text)


@given(FILLER, st.emails(), FILLER)
def test_a_mail_address_goes(before: str, email: str, after: str) -> None:
    local, _, domain = email.partition("@")
    assume(local.replace(".", "").isalnum() and not domain.startswith("xn--"))
    assert "@" not in masked(f"{before} {email}，{after}", STRANGER)


ACCOUNTS = st.from_regex(r"[a-z][a-z0-9_-]{5,15}", fullmatch=True)
SAYS = st.sampled_from(
    ["微信号：", "微信：", "微信号是", "微信id ", "加V：", "WeChat: ", "VX:", "wx："]
)


@given(FILLER, SAYS, ACCOUNTS, FILLER)
def test_a_wechat_account_goes(before: str, says: str, account: str, after: str) -> None:
    assert account not in masked(f"{before}{says}{account}，{after}", STRANGER)


QQ_SAYS = st.sampled_from(["QQ：", "qq号", "扣扣 ", "加QQ", "QQ群："])


@given(FILLER, QQ_SAYS, st.integers(10_000, 9_999_999_999), FILLER)
def test_a_qq_number_goes(before: str, says: str, number: int, after: str) -> None:
    assert str(number) not in masked(f"{before}{says}{number}，{after}", STRANGER)


URLS = st.from_regex(
    r"(https?://|www\.)[a-z]{3,10}\.(com|cn|net|io)(/[a-z0-9]{0,8})?", fullmatch=True
)


@given(FILLER, URLS, FILLER)
def test_a_web_address_goes(before: str, url: str, after: str) -> None:
    assert url not in masked(f"{before}{url}，{after}", STRANGER)


HAN_NAMES = st.text(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=4
)
LATIN_NAMES = st.from_regex(r"[A-Z][a-z]{2,9} [A-Z][a-z]{2,9}", fullmatch=True)


@given(HAN_NAMES, FILLER, FILLER, st.sampled_from(["", " ", "·"]))
def test_ones_own_name_goes(name: str, before: str, after: str, gap: str) -> None:
    person = replace(STRANGER, name=name)
    assert name not in masked(f"{before}{gap.join(name)}{after}", person)


@given(LATIN_NAMES, FILLER, FILLER)
def test_ones_own_latin_name_goes_in_any_case_and_order(name: str, before: str, after: str) -> None:
    person = replace(STRANGER, name=name)
    first, _, last = name.partition(" ")
    for written in (name, name.upper(), f"{last}, {first}".replace(",", ""), f"{first}.{last}"):
        assert first.lower() not in masked(f"{before} {written}；{after}", person).lower()


def test_what_the_person_told_us_goes_wherever_it_stands() -> None:
    text = "李晓娜/李女士 lina1988 1988.5.17 8812 3456：13888123456 LINA1988@EXAMPLE.COM"
    left = masked(text, PERSON)
    for told in ("李", "lina1988", "1988", "13888123456", "EXAMPLE"):
        assert told not in left


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("李师傅", "李"),
        ("小李，干活麻利", "李"),
        ("大家叫我晓娜，做护理", "晓娜"),
        ("家住盘龙区北京路12号3栋501", "北京路"),
        ("护照E12345678", "E12345678"),
        ("身份证后四位0026", "0026"),
        ("证书编号：S000053990001243", "S0000"),
        ("工号A12345678", "A123"),
    ],
)
def test_what_leads_to_the_person_goes(text: str, told: str) -> None:
    assert told not in masked(text, PERSON)


def test_an_everyday_word_that_is_someones_given_name_stays_in_sentences() -> None:
    person = replace(STRANGER, name="王建设")
    assert masked("参加高速公路建设，懂建设工程", person) == "参加高速公路建设，懂建设工程"


ANYTHING = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from(list("女男岁35汉族已婚，、：:@.微信qQ1３八〇我是本人＊ \n")),
    max_size=120,
)
PIECES = st.lists(
    st.sampled_from([*STATED, *TRADES, "，", " ", "的", MARK, "本人", "13888123456"]), max_size=10
).map("".join)


@given(ANYTHING | PIECES)
def test_masking_twice_changes_nothing_and_never_makes_it_longer(text: str) -> None:
    once = masked(text, PERSON)
    assert masked(once, PERSON) == once
    assert len(once) <= len(text)


@given(ANYTHING | PIECES)
def test_nothing_is_added(text: str) -> None:
    assert set(masked(text, PERSON)) <= set(text) | {MARK}


WORK = Work(
    titles=("会计",),
    text="",
    occupations=(),
    skills=(),
    education=None,
    experience_years=0,
    counties=("530102",),
    commute=False,
    remote_ok=False,
    pay_floor=None,
    employment=(Employment.FULL_TIME,),
)


@given(st.lists(ANYTHING | PIECES, max_size=5), st.lists(ANYTHING | PIECES, max_size=8), ANYTHING)
def test_titles_and_skills_are_masked_too(titles: list[str], skills: list[str], text: str) -> None:
    work = replace(WORK, titles=tuple(titles), skills=tuple(skills), text=text)
    copy = blinded(work, PERSON)
    assert len(copy.titles) <= len(titles)
    assert len({key_of(skill) for skill in copy.skills}) == len(copy.skills) <= len(skills)
    for said in (*copy.titles, *copy.skills, copy.text):
        assert PERSON.name not in said
        assert PERSON.phone not in said
    assert replace(copy, titles=(), skills=(), text="") == replace(
        work, titles=(), skills=(), text=""
    )


def test_what_is_left_of_a_masked_skill_counts_once() -> None:
    work = replace(WORK, titles=("李晓娜", "女会计"), skills=("焊接", "女，", "焊接：13888123456"))
    copy = blinded(work, PERSON)
    assert (copy.titles, copy.skills) == (("会计",), ("焊接",))


BUSY = [
    "1",
    "1-",
    "a",
    "a.",
    "a@",
    "a.b",
    "{",
    "0 ",
    "1９",
    "1 3-",
    "https://",
    "微信",
    "我是",
    "女、",
]
BUSY += ["患有AAAAAAAAAAAAAAAA", "女会计", "二十", "李晓", "身高1", "已", "（女", "＊女"]


@pytest.mark.parametrize("piece", BUSY)
def test_no_text_keeps_it_busy(piece: str) -> None:
    text = (piece * 4_000)[:4_000]
    began = time.process_time()
    masked(text, PERSON)
    assert time.process_time() - began < 1.0
