"""Ways to reach a person, found in free text, so that they stay out of what everybody reads.

Which texts are looked through is decided where events are made.
"""

import re

HIDDEN = "***"

# Digits may be full-width (\d takes them), and grouped by a blank or a dash. Every repetition has
# a small bound: texts come from outside, and an unbounded one next to another takes time that
# grows with the square of the text.
_CONTACT = re.compile(
    r"""
      (?<!\d) (?:[+＋]?86[ -]?)? [1１][3-9３-９]\d [ -]? \d{4} [ -]? \d{4} (?!\d)      # mobile
    | (?<!\d) [(（]? [0０]\d{2,3} [)）]? [ -]? \d{7,8} (?!\d)                          # landline
    | (?<!\d) \d{17} [\dXx] (?![\dA-Za-z])                                          # citizen number
    | (?<![A-Za-z0-9._%+-]) [A-Za-z0-9._%+-]{1,64}
      [@＠] [A-Za-z0-9-]{1,63} (?: [.．] [A-Za-z0-9-]{1,63} ){1,4}
    | (?<![A-Za-z]) QQ (?: [ ]{0,2} (?: 号码? | ID ) )? [ :：=]{0,3} \d{5,12}
    | (?: 微信 | (?<![A-Za-z]) (?: VX | V信 | WeChat ) )
      [ ]{0,2} (?: 号 | ID | [:：=] ) [ :：=]{0,3} [A-Za-z0-9][A-Za-z0-9_-]{4,19}
    """,
    re.VERBOSE | re.IGNORECASE,
)


def without_contacts(text: str) -> str:
    """The text with each phone, citizen number, mail address and chat account put out of sight.

    A posting is read by every service and, from there, by anyone who searches; the contact of the
    person who wrote it is personal information (个人信息保护法 art. 6: no more than the purpose
    needs). What the employer wrote stays whole in this service.
    """
    return _CONTACT.sub(HIDDEN, text)
