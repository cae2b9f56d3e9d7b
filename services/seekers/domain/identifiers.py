"""Rules that find what leads to a person: contacts, numbers, names. For `domain.masking`.

Protected traits are `domain.traits`. Rules read folded text (`domain.marks`).
"""

import re
from functools import lru_cache

from services.seekers.domain.marks import Rule, folded, rule
from services.seekers.domain.person import Person

# What people put between digits to get past a filter: 13 8-1234 5678, 138.1234.5678.
_GAP = r"[ \t\-–—_.·*]{0,3}"
_SAYS = r"[ \t]{0,2}(?:[:=]|就?是|为)?[ \t]{0,2}"
_CLEARLY_SAYS = r"[ \t]{0,2}(?:[:=]|就?是|为)[ \t]{0,2}"
_END = r"(?=[\s,。;、.!?|/)]|$)"
_ID = r"[A-Za-z][A-Za-z0-9_-]{4,39}"
_ID_WITH_DIGIT = rf"(?=[A-Za-z_-]{{1,39}}\d){_ID}"
_PATH = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{0,2000}"
_SITES = (
    "com|cn|net|org|top|xyz|cc|vip|io|me|info|site|shop|club|link|wang|ren|tech|gov|edu|co|app|dev"
)
# Skills that look like the address of a site: ASP.NET, Json.NET, Socket.IO.
_NO_SITE = (
    r"(?![A-Za-z#]{1,20}\.(?-i:NET)(?![A-Za-z0-9]|/[A-Za-z0-9]))"
    r"(?!(?:asp|ado|vb|ml|json|entity)\.net(?![A-Za-z0-9]|/[A-Za-z0-9]))"
    r"(?!(?:socket|draw|engine)\.io(?![A-Za-z0-9]|/[A-Za-z0-9]))"
    r"(?!\d{1,4}\.[A-Za-z])"
)
_MAIL_HOSTS = "qq|163|126|139|189|yeah|sina|sohu|gmail|foxmail|outlook|hotmail|icloud|aliyun"
_UNITS = "元|万|亿|块|美元|人|件|次|条|吨|平|㎡|年|月|字"

ADDRESSES: tuple[Rule, ...] = (
    rule(r"(?:https?|ftp|wss?|weixin|mqqwpa)://[^\s,。;、)]{1,2000}"),
    rule(r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}[ \t]{0,2}@[ \t]{0,2}[A-Za-z0-9][A-Za-z0-9.-]{0,253}"),
    # a (at) b dot com, 123#qq.com, abc艾特163点com
    rule(
        r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}[ \t]{0,2}(?:\(at\)|\[at\]|\bat\b|艾特|#)[ \t]{0,2}"
        rf"(?:{_MAIL_HOSTS})[ \t]{{0,2}}(?:\.|点|\bdot\b)[ \t]{{0,2}}(?:com|cn|net)"
    ),
    rule(
        r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}[ \t]{0,2}(?:\(at\)|\[at\]|艾特)[ \t]{0,2}"
        r"[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:[ \t]{0,2}(?:\.|点|\bdot\b)[ \t]{0,2}[A-Za-z]{2,20}){1,3}"
    ),
    rule(rf"\bwww\.[A-Za-z0-9-]{{1,63}}{_PATH}"),
    rule(
        rf"(?<![A-Za-z0-9.@#-]){_NO_SITE}(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?\.){{1,5}}"
        rf"(?:{_SITES})(?![A-Za-z0-9-])(?::\d{{1,5}})?(?:/{_PATH})?"
    ),
    # `微信小程序` and `WeChat MiniProgram` are skills: where nothing says that an account follows,
    # only what holds a digit is one. An account is 6 to 20 characters and begins with a letter.
    rule(r"\bwxid_[A-Za-z0-9_-]{1,40}"),
    rule(
        r"(?:微信|威信|薇信|wechat|weixin|\bwx|\bvx|加v|v信|绿泡泡)[ \t]{0,2}"
        rf"(?:(?:号码?|id|账号){_SAYS}|{_CLEARLY_SAYS})(?P<hide>{_ID})"
    ),
    rule(rf"(?:微信|威信|薇信|wechat|weixin|加v|v信|绿泡泡)[ \t]{{0,3}}(?P<hide>{_ID_WITH_DIGIT})"),
    rule(rf"(?:\bwx|\bvx)[ \t]{{1,3}}(?P<hide>{_ID_WITH_DIGIT})"),
    rule(
        r"(?:抖音|快手|微博|小红书|钉钉|支付宝|telegram|whatsapp|skype)"
        rf"(?:(?:号码?|id|账号){_SAYS}|{_CLEARLY_SAYS})(?P<hide>[A-Za-z0-9][A-Za-z0-9_-]{{4,39}})"
    ),
)

NUMBERS: tuple[Rule, ...] = (
    # A citizen number, also as it is printed in groups: 6 + birth date + 3 + check digit
    # (GB 11643-1999); 15 digits before 1999.
    rule(
        rf"(?<!\d)[1-9]\d{{5}}{_GAP}(?:1[89]|20)\d{{2}}{_GAP}(?:0[1-9]|1[0-2]){_GAP}"
        rf"(?:0[1-9]|[12]\d|3[01]){_GAP}\d{{3}}{_GAP}[\dX](?![\dA-Za-z])"
    ),
    rule(
        rf"(?<!\d)[1-9]\d{{5}}{_GAP}\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
        rf"{_GAP}\d{{3}}(?!\d)"
    ),
    rule(rf"(?<!\d)(?:(?:\+|00)?86{_GAP})?1{_GAP}[3-9](?:{_GAP}\d){{9}}(?!\d)"),
    # No local number begins with 0 or 1, which keeps part sizes (0402-0603-0805) apart.
    rule(
        r"(?<!\d)\(?0(?:10|2\d|[3-9]\d{2})\)?[ \t\-–—]{0,3}[2-9]\d{2,3}[ \t\-–—]?\d{4}"
        r"(?:[ \t\-–—转]{1,3}\d{1,5})?(?!\d)"
    ),
    rule(r"(?<!\d)[48]00[ \-–—]?\d{3,4}[ \-–—]?\d{3,4}(?!\d)"),
    rule(
        r"(?:电话|手机|座机|致电|联系我|联系方式|来电|\bcall|\bphone|\btel|\bmobile)(?:号码?)?"
        rf"{_SAYS}(?P<hide>(?!(?:19|20)\d\d[ \t]?[\-–—~至到年])\d(?:[ \t\-–—_.·]{{0,2}}\d){{5,14}})"
    ),
    rule(r"\+\d{1,3}(?:[ ().\-]{0,2}\d){6,13}(?!\d)"),
    rule(
        r"(?:(?:\bqq|扣扣|企鹅)[ \t]{0,2}(?:号码?|群号?)?|(?<![A-Za-z])q(?:号|群|(?=[ \t]{0,2}:)))"
        rf"{_SAYS}(?P<hide>\d(?:[ \t-]?\d){{4,11}})(?!\d)"
    ),
    rule(
        r"(?:微信|威信|薇信|wechat|weixin|\bwx|\bvx|加v|v信|抖音|快手)[ \t]{0,2}(?:号码?|id|账号)?"
        rf"{_SAYS}(?P<hide>\d(?:[ \t-]?\d){{4,14}})(?!\d)"
    ),
    rule(
        r"(?:身份证|证件|护照|通行证|居住证|驾驶证|驾照|军官证|台胞证|社保卡?|银行卡|passport|证书"
        rf"|学籍|工|学|卡|档案)(?:号码?|编号|编码|no\.?|number){_SAYS}"
        r"(?P<hide>[A-Za-z]{0,6}\(?\d[A-Za-z0-9()\-]{4,30})"
    ),
    rule(
        r"(?:护照|通行证|passport)(?:号码?|no\.?)?"
        rf"{_SAYS}(?P<hide>[A-Za-z]{{1,2}}\d{{6,9}}(?![A-Za-z0-9]))"
    ),
    rule(rf"(?:身份证|手机|电话)号?码?[后尾末][4-6][位号]?数?{_SAYS}(?P<hide>\d{{3,6}}X?)"),
    # Any other long number is somebody's: a card, an account, a certificate. Sums name their unit.
    rule(rf"(?<![\dA-Za-z.])[A-Za-z]{{0,3}}\d{{9,30}}X?(?![\dA-Za-z]|\.\d|[ \t]?(?:{_UNITS}))"),
)

HOMES: tuple[Rule, ...] = (
    rule(
        r"(?:现住|家住|住在|住址|居住(?:在|于|地址?)?|家庭(?:住址|地址)|通讯地址|地址|^住|(?<=[,。;\s])住)"
        rf"{_SAYS}(?P<hide>[^\s,。;]{{0,30}}?(?:路|街|巷|道|村|小区|社区|苑|园|镇|乡)[^\s,。;]{{0,20}}"
        r"\d[^\s,。;]{0,12})"
    ),
)

NAMES: tuple[Rule, ...] = (
    rule(
        r"(?:姓名|名字|本名|联系人|称呼|昵称)[ \t]{0,2}[:=][ \t]{0,2}"
        r"(?P<hide>[^\s,。;、|/]{1,24})"
    ),
    rule(
        r"(?:我叫|我的名字(?:是|叫)|本人叫|本人姓名|名叫)[ \t]{0,2}"
        rf"(?P<hide>[\u4e00-\u9fff]{{1,4}}(?:·[\u4e00-\u9fff]{{1,8}})?){_END}"
    ),
    rule(rf"(?:我姓|免贵姓|本人姓)(?P<hide>[\u4e00-\u9fff]){_END}"),
    rule(
        r"(?:my name is|\bname[ \t]?:)[ \t]{0,2}"
        r"(?P<hide>[A-Za-z]{1,24}(?:[ \t][A-Za-z]{1,24}){0,2})"
    ),
)

_HAN = re.compile(r"[\u3400-\u9fff]")
_COMPOUND_SURNAMES = re.compile(
    "欧阳|上官|司马|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐|长孙|宇文|端木|南宫|夏侯|轩辕"
)


@lru_cache(maxsize=1024)
def rules_of(person: Person) -> tuple[Rule, ...]:
    """Rules that find this very person: name, form of address, mail, birth date."""
    return (
        *_rules_of_name(" ".join(folded(person.name).split())),
        *_rules_of_email(person.email),
        *_rules_of_birth(person),
    )


_RUN = re.compile(rf"\d(?:{_GAP}\d)*", re.ASCII)


def spans_of_phone(phone: str, folded_text: str) -> list[tuple[int, int]]:
    """Where the person's own number stands, in any grouping, in a longer one, without its area.

    A rule for each person would cost more to compile than all others do to run.
    """
    local = phone.rpartition("-")[2]
    return [run.span() for run in _RUN.finditer(folded_text) if local in re.sub(r"\D", "", run[0])]


def _rules_of_name(name: str) -> list[Rule]:
    if not _HAN.search(name):
        words = re.findall(r"[^\W_]+", name)
        orders = {tuple(words), tuple(reversed(words))}
        joined = "|".join(r"[\s.\-·_]{0,3}".join(map(re.escape, order)) for order in orders)
        return [rule(rf"(?<![A-Za-z0-9])(?:{joined})(?![A-Za-z0-9])")] if words else []
    # 阿依古丽·买买提 is known by its first part too.
    parts = [part for part in re.split(r"[·•.]", name) if len(part) > 1]
    spelled = {tuple(part.replace(" ", "")) for part in (name, *parts)}
    found = [
        rule(r"[ \t·•.*_\-]{0,2}".join(map(re.escape, (c for c in letters if c not in "·•."))))
        for letters in spelled
    ]
    compound = bool(_COMPOUND_SURNAMES.match(name))
    surname, given = (name[:2], name[2:]) if compound else (name[:1], name[1:])
    start, shown = r"(?:^|(?<=[\s,。;、(]))", re.escape(surname)
    found.append(rule(rf"{shown}[ \t]?(?:先生|女士|小姐|太太)"))
    found.append(
        rule(rf"{start}(?P<hide>[小老]{shown}|{shown}(?:师傅|大?[姐哥]|阿姨|老师|工)){_END}")
    )
    if len(given) > 1 and "·" not in name:
        # A given name may be an everyday word: 王建设. It goes where it stands for a person.
        found.append(rule(rf"(?:{start}|叫我|我叫|我是)(?P<hide>{re.escape(given)}){_END}"))
    return found


def _rules_of_email(email: str | None) -> list[Rule]:
    if email is None:
        return []
    local = email.partition("@")[0]
    found = [rule(re.escape(folded(email)))]
    if len(local) > 4 and any(map(str.isdigit, local)):
        found.append(rule(rf"(?<![A-Za-z0-9]){re.escape(folded(local))}(?![A-Za-z0-9])"))
    return found


def _rules_of_birth(person: Person) -> list[Rule]:
    born = person.birth_date
    if born is None:
        return []
    gap = r"[ \t]?[年月.\-/][ \t]?"
    return [
        rule(rf"(?<!\d){born.year}{gap}0?{born.month}{gap}0?{born.day}(?:[日号]|(?!\d))"),
        rule(rf"(?<!\d){born:%Y%m%d}(?!\d)"),
    ]
