"""The model a matcher begins with: IDF of how postings are worded, before any posting is known.

Fitted to texts of our own only: what occupations and skills are called, and the official names set
in the phrases every posting uses. What postings really say is learned by later models and does not
live here.
"""

from collections.abc import Iterator
from functools import cache

from contracts.vocabulary.occupations import occupations
from services.matcher.domain.language import lexicon
from services.matcher.domain.model import Model, fit

_HEADS = """
岗位职责：|任职要求：
工作内容：|任职资格：
职位描述：|岗位要求：
岗位职责：|任职条件：
职责描述：|职位要求：
主要工作：|招聘要求：
"""

_DUTIES = """
负责公司相关业务的日常管理工作，完成上级领导交办的其他任务
负责客户的沟通与维护，了解客户需求，及时处理客户问题
根据公司的要求制定工作计划，并跟进执行和落地
协助部门经理完成项目的实施、推进和总结
参与产品的需求分析、方案设计、开发和测试工作
负责数据的收集、整理、统计和分析，编写相关报告，提供决策支持
按照工艺流程和操作规程进行生产操作，保证产品质量和安全
负责设备的日常检查、维护和保养，发现问题及时处理和上报
负责系统平台的设计、开发、优化和技术支持，编写技术文档
与各部门协调配合，推动业务流程的持续优化和改进
负责现场的卫生清洁、物品整理和安全管理
严格执行各项规章制度，做好相关记录和信息统计
负责市场调研，分析行业信息，提出运营和营销建议
负责团队的组织、培训和管理，提升服务质量
完成公司安排的其他工作，对结果负责
负责进货、验收、摆放和库存盘点，建立台账
接待来访客人，介绍产品和服务，解答相关问题
负责项目进度、成本和质量的控制，解决实施过程中的问题
"""

_ASKS = """
{学历}及以上学历，{专业}等相关专业优先
有{年}年以上相关工作经验，有行业经验者优先考虑
熟悉相关业务流程，熟练使用办公软件和常用工具
具备良好的沟通能力、表达能力和团队合作精神
工作认真负责，责任心强，吃苦耐劳，服从安排
具有较强的学习能力、逻辑思维能力和分析能力
能够独立完成工作，具备解决问题的能力，执行力强
身体健康，能适应倒班、加班和出差，抗压能力强
持有相关职业资格证书或职业技能等级证书者优先
了解行业相关知识，掌握基本的操作方法和安全知识
有良好的服务意识和职业道德，形象气质佳
经验不限，可接受应届毕业生，公司提供岗前培训
服从班组和领导安排，能适应三班倒、两班倒，能上夜班
身体素质好，严格遵守规程和纪律，有安全意识
较强的协调能力和推动能力，善于发现问题，工作积极主动
对数据敏感，逻辑清晰，有一定的应用能力和研究能力
"""

_WELFARE = """
福利待遇：五险一金，周末双休，带薪年假，节日福利
薪资待遇：底薪加提成，月综合工资面议，包吃包住
提供住宿和工作餐，全勤奖，年终奖金，定期体检
工作时间：每天八小时，单休，法定节假日休息
公司提供良好的发展空间、晋升机会和专业培训
工作地点：就近安排，购买社会保险，签订劳动合同
"""

_SEEKING = """
本人性格开朗，工作认真，有责任心，能吃苦
从事相关工作多年，经验丰富，熟悉工作流程
希望找一份稳定的工作，可以随时到岗，服从公司安排
曾负责部门日常管理和项目实施，获得客户好评
善于沟通，学习能力强，有团队合作精神
熟练掌握专业技能，持有职业技能等级证书
"""

_ENGLISH = """
Responsibilities: manage the daily work of the team and report to the manager
Requirements: bachelor degree or above in a related major, at least {年} years of experience
Work with other departments to design, develop, test and improve products and services
Good communication skills in English and Chinese, strong sense of responsibility, team player
Familiar with common tools, office software and business processes in the industry
Responsible for customer service, data analysis, project management and technical support
We are looking for an experienced and motivated person who is able to work under pressure
We offer training, paid annual leave, social insurance, bonus and a good working environment
Ability to solve problems independently, plan the work and deliver results on time
Knowledge of the market and the company's products is an advantage
"""

_DEGREES = ("初中", "高中", "中专", "大专", "本科", "大专", "本科", "硕士")
_MAJORS = ("机械", "计算机", "管理", "电气", "财会", "市场营销", "旅游", "护理", "统计", "土木工程")


@cache
def base_model() -> Model:
    """The default model, the same bits everywhere. A fraction of a second, then at hand."""
    return fit(_corpus())


def _corpus() -> Iterator[str]:
    """A posting for each occupation, some profiles, and what occupations and skills are called."""
    for at, (_, name) in enumerate(occupations()):
        yield "\n".join((_posting(name, at), *(_english(at) if at % 2 == 0 else ())))
        if at % 3 == 0:
            yield "\n".join((name, *_some(_SEEKING, at, 2)))
    yield from ("\n".join(trade.names) for trade in lexicon.trades())
    yield from ("\n".join(concept.phrases) for concept in lexicon.concepts())


def _posting(name: str, at: int) -> str:
    duties_head, asks_head = _some(_HEADS, at, 1)[0].split("|")
    asks = "\n".join(_some(_ASKS, at, 5))
    filled = (
        asks.replace("{学历}", _DEGREES[at % len(_DEGREES)])
        .replace("{专业}", _MAJORS[at % len(_MAJORS)])
        .replace("{年}", str(at % 7 + 1))
    )
    lines = (name, duties_head, *_some(_DUTIES, at, 6), asks_head, filled, *_some(_WELFARE, at, 2))
    return "\n".join(lines)


def _english(at: int) -> list[str]:
    return [line.replace("{年}", str(at % 7 + 1)) for line in _some(_ENGLISH, at, 5)]


def _some(lines: str, at: int, count: int) -> list[str]:
    """`count` of the lines, another choice for each `at`, each line about as often."""
    pool = _pool(lines)
    step = 1 + at % (len(pool) - 1)
    return list(dict.fromkeys(pool[(at + step * nth) % len(pool)] for nth in range(count)))


@cache
def _pool(lines: str) -> list[str]:
    return lines.strip().splitlines()
