"""Rules that find protected traits a text states of its author. For `domain.masking`.

Sex, age, ethnicity, religion, marital status, health and household registration must not reach
the matcher (就业促进法 第二十六至三十一条; 个人信息保护法 第二十八条). The same words also
name trades: 女装, 养老护理, 白族扎染, 婚礼策划, 户籍管理. So a word alone is not enough: it must
stand as a statement of its own, behind an introduction (`本人`, `我是`), behind its key (`民族：`)
or in a chain of such words (`女35岁已婚`).
"""

from services.seekers.domain.marks import MARK, Rule, rule

_START = rf"(?:^|(?<=[\s,，.。;；!?()（）\[\]【】<>《》\"'“”|\\{MARK}]))"
_END = rf"(?=[\s,，.。;；!?()（）\[\]【】<>《》\"'“”|\\{MARK}]|$)"
_JOIN = r"[ \t]{0,2}[,、/|·的]?[ \t]{0,2}"
_KEYED = r"[ \t]{0,2}(?:[:=]|是|为)[ \t]{0,2}"
_VALUE = r"(?P<hide>[^\s,。;、|]{1,24})"
_ME = (
    r"(?:(?:个人|基本|自我)(?:情况|信息|资料|简介|介绍)|求职者|应聘者|简历)[ \t]{0,2}:[ \t]{0,2}"
    r"|(?:本人|我|自己|俺|咱)(?:现在|目前|今年|现年|已经?)?(?:就?是|为|系|属于?)?(?:一?[名位个])?"
    r"|(?:今年|现年|时年|年龄|年纪|目前|现在)(?:就?是|为|已经?)?"
    r"|[是为系](?:一?[名位个])|一[名位个]|(?<=^)[是系]"
)

_SEX = (
    r"(?:[男女](?:性|士|生|的|人|孩子?|子汉)(?![用服健护装鞋内专向科友朋])"
    r"|[男女](?![女装裝鞋包科款童篮足排团队裤裙表袜帽衬西士性子生人友儿婿红神王皇巫朋工孩"
    r"贞权监厕浴宾高]))"
)
_TENS = r"(?:[1-9]\d|[二三四五六七八九]?十[一二三四五六七八九]?)"
_AGE = (
    rf"(?<![\d\-–—~至到.]){_TENS}[ \t]?(?:多|来)?周?岁"
    r"(?!以[上下内前后]|之间|至|到|[\-–—~]"
    r"|左?右?的?(?:[儿婴幼青少小孩宝学老长患病失客爷奶大阿]|人群|用户|家长|年龄))(?:半|左右)?"
)
_BIRTH = (
    r"(?:(?:19[3-9]\d|20[012]\d|(?<!\d)[3-9]\d)[ \t]?年(?:\d{1,2}月(?:\d{1,2}[日号])?)?"
    r"(?:出生|生人|生(?![产物态活鲜意命成效])|的(?=[\s,。;]|$))|(?:19|20)?[5-9]0后|(?<!\d)[01][05]后"
    r"|属[鼠牛虎兔龙蛇马羊猴鸡狗猪](?:的|人)?)"
)
_PEOPLES = (
    "汉 蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 高山 "
    "拉祜 东乡 纳西 景颇 柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 锡伯 阿昌 普米 塔吉克 怒 "
    "乌孜别克 俄罗斯 鄂温克 德昂 保安 裕固 京 塔塔尔 独龙 鄂伦春 赫哲 门巴 珞巴 基诺"
).replace(" ", "|")
# What 白族… may go on with where it is a trade and not a person. 水族 keeps fish.
_FOLK = (
    "自地村寨山风服舞歌菜特文语刺扎医药乡建银乐餐美节传手工聚音饰织首习民非"
    "图博戏火酒茶食烤剪绘漆陶木石铜"
)
_ETHNIC = (
    rf"(?:(?:{_PEOPLES})族(?![{_FOLK}])(?:人|同胞|小伙子?|姑娘|汉子|妹子)?"
    r"|回民|少数民族(?![地风服舞歌菜特文语自]))"
)
_GROUPS = (
    "青年|男女|人群|人士|客户|家庭|职工|夫妇|夫妻|女性|妇女|子女|妈妈|群体|者|员工"
    "|妻|夫|先孕|父母|儿童"
)
_MARRIED = (
    rf"(?:(?:已婚|未婚|离异|丧偶)(?:[,、/]?(?:已育|未育|有孩|无孩|带娃))?|已育|未育)(?!{_GROUPS})"
    r"(?:[一二两三]孩|(?<=育)[一二两三]?[子女儿])?"
)
_FAMILY = (
    r"(?:单身|离婚|离过婚|再婚|已?结婚(?:了|\d年)?|有(?:小孩|孩子|娃)"
    r"|(?:无|没有?)(?:小孩|孩子|子女|娃)"
    r"|(?:育?有)[一二两三1-3](?:个|名)?(?:孩子?|小孩|儿子?|女儿?|子女?|娃|宝宝)"
    r"(?:[一二两三1-3](?:女|儿|子))?"
    r"|备孕中?|已?怀孕中?|孕期|哺乳期|孕妇|宝妈|(?:哺乳期|单亲|二胎|全职)(?:妈妈|爸爸|宝妈)|"
    r"(?:暂时?)?不(?:婚|育|要孩子|生二胎))"
)
_CREEDS = "佛教?|基督教?|天主教?|伊斯兰教?|道教?|回教|东正教|藏传佛教"
_CREED = (
    rf"(?:(?:信奉|信仰|皈依|信)(?:{_CREEDS})|(?:无|没有?|不信)(?:宗教)?信仰|不信教|信教"
    r"|(?:佛|基督|天主|伊斯兰|道)教?徒|穆斯林)"
)
_HEALTH = (
    r"(?:身体(?:状况)?(?:很|非常|十分|较)?(?:健康|好|棒|良好|健壮|硬朗|强壮)"
    r"|身体素质(?:很|非常|较)?(?:好|强|良好|过硬)"
    r"|(?:身心)?健康状况(?:很|非常)?(?:良好|优秀|一般|好)|身心健康|体健"
    r"|(?:肢体|视力|听力|言语|智力|精神|多重|轻度|重度|轻微)?残(?:疾|障)人?证?"
    r"(?:[一二三四1-4]级)?|[一二三四1-4]级(?:伤残|残疾)"
    r"|(?:轻度|中度|重度)?(?:听力|视力|肢体|言语|智力|精神)(?:障碍|损伤)"
    r"|(?:无|非|有|轻度)?(?:色盲|色弱|近视)(?:色盲|色弱)?|聋哑人?|盲人|腿脚不便"
    r"|有?(?:轻度|重度)?抑郁症?)"
)
_PLAIN = rf"(?:{_MARRIED}|{_FAMILY}|{_CREED}|{_HEALTH})"
_ATOM = rf"(?:{_SEX}|{_AGE}|{_BIRTH}|{_ETHNIC}|{_PLAIN})"

_JOBS = (
    "会计|出纳|司机|教师|老师|护士|护工|护理|医生|保安|保姆|保洁|月嫂|育婴|服务员|员工|店员|店长"
    "|导购|销售|厨师|厨工|工人|文员|文秘|助理|客服|技工|技师|普工|焊工|电工|教练|经理|主管|前台"
    "|收银|司仪|主持|快递|骑手"
)
# 女性护理 is a trade, 女性护理员 a person.
_PEOPLE_AT_WORK = (
    "护理员|会计|司机|教师|老师|护士|护工|医生|保安|保姆|服务员|员工|店员|文员|教练|厨师|工人"
)
_MOVES = "办迁登管查核审受注理销转补换落申录务代"

_STATEMENTS: tuple[Rule, ...] = (
    # A statement of its own, or a chain of at least two, which needs no end: 女35岁会开车.
    rule(rf"{_START}(?:{_ME})?(?P<hide>{_ATOM}){_END}"),
    rule(rf"{_START}(?:{_ME})?(?P<hide>{_ATOM}(?:{_JOIN}{_ATOM})+)"),
    rule(rf"(?:{_ME})(?P<hide>{_ATOM}(?:{_JOIN}{_ATOM})*)(?:{_END}|(?=的))"),
    rule(rf"(?:本人|我|我是|本人[是系]|我系)(?:一?[名位个])?(?P<hide>{_SEX}|{_ETHNIC})"),
    rule(rf"{_START}(?P<hide>[男女])(?=(?:{_JOBS}))"),
    rule(rf"{_START}(?P<hide>[男女]性)(?=(?:{_PEOPLE_AT_WORK}))"),
    rule(rf"(?:{_START}|今年|现年|时年|已满?|刚满?|年满|年龄|年纪|本人|我)(?P<hide>{_AGE})"),
    rule(rf"(?P<hide>{_MARRIED})"),
)

_SEX_AND_AGE: tuple[Rule, ...] = (
    rule(
        r"(?:性别|sex|gender)[ \t]{0,2}(?:[:=\-]|是|为)[ \t]{0,2}"
        r"(?P<hide>[男女][性士生]?|male|female|man|woman|m|f)(?![A-Za-z])"
    ),
    rule(rf"性别[ \t]{{0,2}}(?P<hide>{_SEX})"),
    rule(
        rf"(?:年龄|年纪|岁数)(?:{_KEYED})?[ \t]{{0,2}}"
        rf"(?P<hide>{_TENS}(?:周?岁)?)(?![\d\-–—~至到以周岁])"
    ),
    rule(
        r"(?P<hide>(?:出生(?:日期|年月|时间|年份|于|在)?|生日是?|生于)"
        r"[ \t]{0,2}(?:[:=是为于])?[ \t]{0,2}(?:19|20)?\d{2}[ \t]?[年.\-/]?"
        r"(?:[ \t]?\d{1,2}[ \t]?[月.\-/]?(?:[ \t]?\d{1,2}[日号]?)?)?)"
    ),
    rule(r"(?P<hide>(?:19[3-9]\d|20[012]\d)[ \t]?年(?:\d{1,2}月(?:\d{1,2}[日号])?)?(?:出生|生人))"),
)

_ORIGIN_AND_FAMILY: tuple[Rule, ...] = (
    rule(rf"(?:民族|族别|族群)[ \t]{{0,2}}[:=][ \t]{{0,2}}{_VALUE}"),
    rule(rf"(?:民族|族别)[ \t]{{0,2}}(?P<hide>(?:{_PEOPLES})族?){_END}"),
    rule(rf"(?:宗教信仰|宗教|信仰){_KEYED}{_VALUE}"),
    rule(rf"(?:婚姻|婚育|生育|子女)(?:状况|状态|情况)(?:{_KEYED})?[ \t]{{0,2}}{_VALUE}"),
    rule(rf"(?:婚姻|婚否|婚恋)[ \t]{{0,2}}[:=][ \t]{{0,2}}{_VALUE}"),
    rule(
        r"(?:户口|户籍|籍贯)(?:所在地|性质|类型|类别|状况|地址?)?"
        rf"(?:[ \t]{{0,2}}[:=]|在|是|为|属)[ \t]{{0,2}}{_VALUE}"
    ),
    rule(
        rf"{_START}(?:{_ME})?[有持]?(?P<hide>(?:农业|非农业?|城镇|农村|居民|集体|本地|外地|本市|外省"
        rf"|本省|城市)(?:户口|户籍|户)){_END}"
    ),
    rule(
        rf"{_START}(?:{_ME})?[有持]?"
        rf"(?P<hide>(?:(?![{_MOVES}])[\u4e00-\u9fff]){{2,12}}(?:户口|户籍)){_END}"
    ),
)

_OF_HEALTH: tuple[Rule, ...] = (
    rule(rf"(?:健康|身体)(?:状况|状态|情况)?[ \t]{{0,2}}[:=][ \t]{{0,2}}{_VALUE}"),
    rule(
        r"(?P<hide>(?:无|没有)(?:任何|重大|严重|慢性|传染性?|遗传性?|基础|家族|职业|不良|既往){0,3}"
        r"(?:疾病史?|病史|残疾|传染病|慢性病|遗传病|职业病史?))"
    ),
    rule(
        rf"(?:{_START}|本人|我|自己|自幼|从小|先天|曾经?|不幸)"
        r"(?P<hide>(?:患有|患过|确诊|得过|罹患|身患|患)[^\s,。;、的]{1,16})"
        r"(?![^\s,。;、]{0,4}的)"
    ),
    rule(rf"(?:我|本人|自己)有(?P<hide>[^\s,。;、]{{0,6}}(?:病|症|炎|癌)){_END}"),
    rule(
        r"(?P<hide>(?:乙肝|甲肝|丙肝|hbsag|hiv|艾滋病?)[ \t]?(?:病毒)?"
        r"(?:携带者?|阳性|阴性|[大小]三阳))"
    ),
    rule(r"(?P<hide>持有?[ \t]?(?:[一二三四1-4]级)?残疾人?证)"),
    rule(rf"残疾(?:等级|级别|类别|类型|证号?)(?:{_KEYED})?{_VALUE}"),
    rule(
        rf"(?:身高|体重|血型|裸眼视力|矫正视力|视力)(?:{_KEYED})?[ \t]{{0,2}}"
        r"(?P<hide>(?:\d{1,3}(?:\.\d{1,2})?[ \t]?(?:cm|厘米|公分|米|m|kg|公斤|千克|斤)?"
        r"|一米[零一二三四五六七八九]{1,2}"
        r"|ab?型?|b型?|o型?)(?![A-Za-z0-9]))"
    ),
    rule(
        r"(?<!\d)(?P<hide>1[3-9]\d[ \t]?(?:cm|厘米|公分)[ \t,/、]{0,3}\d{2,3}[ \t]?"
        r"(?:kg|公斤|千克|斤))"
    ),
)

_CREED_EN = "muslim|christian|buddhist|catholic|taoist|hindu"
_HEALTH_EN = "in[ \\t](?:good|excellent|perfect|poor)[ \\t]health|disabled|pregnant"
_ATOM_EN = (
    rf"(?:male|female|(?:married|single|divorced|widowed)(?:[ \t](?:with|and)[ \t][a-z0-9]{{1,5}}"
    rf"[ \t](?:children|child|kids?))?|{_CREED_EN}|{_HEALTH_EN}"
    r"|(?:(?:a|local|rural|urban|agricultural|[a-z]{4,12})[ \t])?hukou"
    r"|[a-z]{2,12}[ \t](?:ethnicity|nationality)|born[ \t](?:in[ \t])?(?:19|20)\d\d)"
)

_IN_ENGLISH: tuple[Rule, ...] = (
    rule(
        r"(?<![A-Za-z])(?:i am|i'm|im)[ \t]{1,2}(?:an?[ \t]{1,2})?"
        r"(?:\d{2}[ -]years?[ -]old[ \t]{1,2})?"
        rf"(?P<hide>(?:married|single|divorced|widowed|male|female|man|woman|{_CREED_EN}"
        rf"|{_HEALTH_EN})(?![A-Za-z]))"
    ),
    rule(
        rf"(?:^|(?<=[,.;|()/。、\n{MARK}]))[ \t]{{0,2}}"
        rf"(?P<hide>{_ATOM_EN}(?:[ \t]?[,/][ \t]?{_ATOM_EN})*)[ \t]{{0,2}}(?=[,.;|()/。、\n]|$)"
    ),
    rule(
        r"(?P<hide>(?:(?<![A-Za-z])aged?[ \t]?:?[ \t]?\d{2}"
        r"|\d{2}[ -]?(?:(?:years?|yrs?)[ -]?old|y/o))"
        r"(?!\d|[ \t-]{0,2}(?:and|child|kid|student|boy|girl|pupil|patient|building|to|-|\+)))"
    ),
    rule(
        r"(?:religion|ethnicity|ethnic group|nationality|marital status|health|hukou)"
        r"[ \t]{0,2}:[ \t]{0,2}(?P<hide>[^\n,.;|。、/]{1,24})"
    ),
)

TRAITS = (*_STATEMENTS, *_SEX_AND_AGE, *_ORIGIN_AND_FAMILY, *_OF_HEALTH, *_IN_ENGLISH)
