"""Words for the same thing: spellings of a skill, and the everyday names of an occupation.

How close two spellings or two occupations are does not live here.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from contracts.vocabulary.occupations import occupations
from services.matcher.domain.language import lexicon
from services.matcher.domain.language.glossary import said
from services.matcher.domain.language.text import normal_skill, plain

# First the spelling that stands for all, then the others. The first is never shown, and is chosen
# so that no two groups come near each other (高压电工作业 and 低压电工作业 share five characters of
# six). Left out on purpose because they mean other things in postings as well: r, c, go, tf, 算法.
SKILLS = """
javascript|js|ecmascript|es6
typescript|ts
python|python3|py
golang|go语言|go lang
c++|cpp|c plus plus|c/c++
c#|csharp|c sharp
.net|dotnet|dot net|.net core|asp.net
node.js|nodejs|node js|node
vue.js|vue|vuejs|vue3|vue2
react|react.js|reactjs
angular|angularjs|angular.js
spring boot|springboot
spring cloud|springcloud
kubernetes|k8s
docker|docker容器|容器化
postgresql|postgres|pgsql|pg数据库
sql server|sqlserver|mssql|ms sql
mongodb|mongo
elasticsearch|elastic search|es搜索
机器学习|machine learning|ml
深度学习|deep learning
自然语言处理|natural language processing|nlp
计算机视觉|computer vision|机器视觉|cv算法
人工智能|artificial intelligence|ai
数据分析|data analysis|数据统计分析
数据挖掘|data mining
大数据|big data|大数据技术
tensorflow|tensor flow
pytorch|torch
scikit-learn|sklearn
linux|linux系统|linux操作系统
office|办公软件|office办公软件|ms office|microsoft office|熟练使用办公软件|办公自动化
excel|电子表格|excel表格|ms excel
word|ms word|word文档
powerpoint|ppt|ppt制作|幻灯片制作
wps|wps办公软件
photoshop|adobe photoshop|ps软件|ps修图
illustrator|adobe illustrator|ai软件
premiere|adobe premiere|pr软件|pr剪辑
after effects|adobe after effects|ae软件
autocad|cad|cad制图|auto cad|cad绘图
solidworks|solid works
plc|plc编程|可编程控制器
cnc|cnc编程|数控编程|数控加工
3d max|3dmax|3ds max
英语|english|英文
日语|japanese|日文
cet-4|英语四级|大学英语四级|cet4
大学英语六级|英语六级|cet6|cet-6
老挝语|lao|寮语
缅甸语|burmese|缅语
泰语|thai|泰文
越南语|vietnamese|越语
普通话|mandarin|国语
c1驾照|c1驾驶证|驾照c1|驾驶证c1
b2驾照|b2驾驶证|驾照b2
大客车a1驾照|a1驾照|a1驾驶证|驾照a1
a2牵引车驾照|a2驾照|a2驾驶证|驾照a2
焊接|电焊|电弧焊|手工焊
氩弧焊|tig焊|氩弧焊接
二氧化碳气体保护焊|二保焊|co2焊
叉车驾驶|叉车|开叉车|叉车操作|叉车司机
挖掘机驾驶|挖掘机|挖机|开挖机|挖掘机操作
低压电工作业|低压电工|低压电工证
高压电|高压电工作业|高压电工|高压电工证
高处作业|登高作业|登高证|高空作业
养老护理|老人护理|老年护理|照护老人
母婴护理|月嫂|月子护理
中式烹调|炒菜|中餐烹饪|烹饪
中式面点|面点|面点制作
客户服务|客服|客户关系维护|客诉处理
市场营销|营销|marketing
财务软件|用友|金蝶|用友财务软件|金蝶财务软件|erp财务
税务申报|报税|纳税申报
人力资源管理|人力资源|hr|hrm
项目管理|project management|pmp
直播带货|带货|直播销售|电商直播
短视频剪辑|视频剪辑|剪辑|短视频制作
新媒体运营|新媒体|公众号运营|自媒体运营
仓储管理|仓库管理|库房管理|仓管
茶艺|茶艺表演|泡茶
导游讲解|导游|景区讲解|讲解
"""

# Everyday titles that the classification of 2022 does not know, by the occupation they belong to.
# Own compilation.
TITLES: dict[str, str] = {
    "6-18-02-04": "电焊工 氩弧焊工 气焊工 二保焊工",
    "6-31-01-03": "水电工 维修电工 低压电工 高压电工",
    "6-30-05-01": "叉车司机 叉车工 吊车司机",
    "4-02-05-01": "搬运工 装卸工",
    "4-02-02-02": "货车司机 卡车司机",
    "4-02-07-08": "快递小哥 快递员 派件员",
    "4-10-08-01": "外卖员 外卖骑手 骑手 送餐员",
    "4-07-05-01": "保安 门卫 安保员",
    "4-09-08-01": "保洁 清洁工 保洁阿姨",
    "4-01-02-04": "收银",
    "4-01-02-03": "导购 导购员 店员 营业员",
    "4-03-02-05": "服务员 传菜员",
    "4-03-02-01": "厨师 炒菜师傅 炒锅",
    "4-03-02-02": "面点师 面点师傅",
    "4-03-02-08": "咖啡师傅",
    "4-03-01-01": "前台接待 酒店前台",
    "4-10-01-06": "月嫂 保姆 家政 家政保姆 钟点工",
    "4-10-01-05": "护工 护理员 陪护",
    "4-10-01-01": "育婴师 育婴员",
    "4-10-01-03": "保育员",
    "4-04-05-03": "客服 客服专员 话务员 电话客服 在线客服",
    "4-01-06-02": "主播 带货主播",
    "4-01-06-01": "电商运营 淘宝运营",
    "4-02-06-01": "库管 仓管 仓管员 库管员 仓库管理员",
    "6-29-01-01": "瓦工 泥瓦工",
    "6-29-01-04": "钢筋师傅",
    "6-29-01-05": "架工",
    "6-30-05-05": "挖机师傅 挖机司机 挖掘机司机",
    "6-05-01-03": "缝纫师傅 车缝工",
    "6-02-06-10": "茶叶炒制 炒茶师傅",
    "5-01-02-02": "鲜花种植 花卉种植",
    "5-01-02-03": "菌菇种植",
    "5-01-02-05": "三七种植",
    "5-03-02-01": "养猪 养殖工",
    "6-03-01-01": "烤烟师傅",
    "6-03-01-02": "烟叶分级",
    "6-24-04-00": "锂电池工",
    "6-24-02-04": "光伏安装",
    "6-31-01-02": "机修工",
    "6-18-01-07": "cnc操作 cnc操作工 数控操作工",
    "6-18-01-01": "数控车工",
    "4-12-01-01": "汽修工 汽修师傅",
    "4-04-05-01": "程序员 java开发 java开发工程师 软件工程师 软件开发工程师 前端工程师 后端工程师",
    "4-04-05-02": "测试工程师 软件测试工程师 软件测试",
    "2-06-03-00": "会计 财务会计 成本会计 税务会计 总账会计",
    "3-01-01-01": "行政文员 行政专员",
    "4-07-04-01": "导游员",
    "4-14-06-02": "民宿店长",
    "4-07-03-04": "hr专员 人事专员 人力资源专员",
    "4-07-03-08": "招聘专员",
}

# Titles of several occupations, whatever a table says.
_SEVERAL = frozenset(["矿工", "出纳", "普工", "文员", "助理"])
_BRACKETED = re.compile(r"[(\[【<《][^)\]】>》]*[)\]】>》]")
_BARE = re.compile(r"[(\[【<《][\s,、;/]*[)\]】>》]")
"""Brackets of which nothing is left."""
_SHORTEST_TITLE = 2
_WITHIN_WORD = re.compile("[a-z0-9]{2}")


@lru_cache(maxsize=1 << 16)
def canonical_skill(name: str) -> str:
    """The spelling under which a skill is compared: that of its group, or its own, normalised."""
    return canonical_of(plain_skill(name))


@lru_cache(maxsize=1 << 16)
def plain_skill(name: str) -> str:
    """A skill's own spelling, normalised, without what is unsaid: of a trait nothing is left."""
    return normal_skill(_BARE.sub("", said(plain(name))))


def canonical_of(spelling: str) -> str:
    """The spelling of the group that a normalised spelling belongs to, or itself."""
    return _spellings().get(spelling, spelling)


def is_canonical(spelling: str) -> bool:
    """Whether this spelling stands for a group: two that do are two skills, however alike."""
    return spelling in _canonical()


@lru_cache(maxsize=1 << 14)
def occupation_of_title(title: str) -> str | None:
    """The occupation an everyday title ends in, by the longest name that fits; None if none does.

    `高级焊工（昆明）` → 6-18-02-04. Only endings count: 车工 is not in 汽车工程师. A Latin word
    is not cut: a lifeguard is no guard.
    """
    name = normal_skill(_BRACKETED.sub("", said(plain(title))))
    known = _titles()
    for start in range(len(name) - _SHORTEST_TITLE + 1):
        if _WITHIN_WORD.match(name, max(start - 1, 0)) and start:
            continue
        if (code := known.get(name[start:].replace(" ", ""))) is not None:
            return code
    return None


@cache
def _spellings() -> dict[str, str]:
    """The groups of the lexicon, and those above, which know better what is the same."""
    known: dict[str, str] = {}
    for group in _groups():
        first, *others = dict.fromkeys(normal_skill(name) for name in group)
        # A name that stands in two groups is the first's.
        first = known.get(first, first)
        for other in (first, *others):
            known.setdefault(other, first)
    return known


@cache
def _canonical() -> frozenset[str]:
    return frozenset(_spellings().values())


def _groups() -> Iterator[list[str]]:
    for line in SKILLS.strip().splitlines():
        yield line.split("|")
    refused = lexicon.refused(as_tag=True)
    for skill in lexicon.skills():
        if names := [name for name in skill.phrases if plain(name) not in refused]:
            yield names


@cache
def _titles() -> dict[str, str]:
    """Official names, then those above, then what else people call one occupation and no other."""
    known = {plain(name): code for code, name in occupations()}
    for code, names in TITLES.items():
        known.update((said(name.replace("·", " ")).strip(), code) for name in names.split())
    called: dict[str, set[str]] = {}
    for trade in lexicon.trades():
        for name in trade.names:
            called.setdefault("".join(plain(name).split()), set()).add(trade.occupation)
    for name, codes in called.items():
        if len(codes) == 1 and name not in _SEVERAL:
            known.setdefault(name, *codes)
    return known
