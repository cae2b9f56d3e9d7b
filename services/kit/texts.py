"""What any text field of a door must be: printable, visible, with plain line ends.

How long it may be and what it means is each door's own.
"""

import re
import unicodedata

from services.kit.wordings import said

# Control characters but for line ends and tabs, and those that reorder what stands around them:
# by these a title could be made to read as another.
_HIDDEN_HAND = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text, if no character in it works unseen."""
    found = _HIDDEN_HAND.search(text)
    if found is not None:
        at, point = found.start() + 1, f"U+{ord(found[0]):04X}"
        raise said(
            "control_character",
            zh=f"第 {at} 个字符是控制字符（{point}），请删去。",
            en=f"Character {at} is a control character ({point}); remove it.",
        )
    return text


def one_line(text: str) -> str:
    """The text, if it is one line with something to see in it."""
    if "\n" in text or "\t" in text:
        raise said(
            "line_break",
            zh="只能有一行，不能有换行或制表符。",
            en="Must be one line, without line breaks or tabs.",
        )
    # An invisible name could not be told from another.
    if all(unicodedata.category(character)[0] in "CZ" for character in text):
        raise said(
            "nothing_to_see", zh="没有可见的字符。", en="Holds no character that can be seen."
        )
    return text


def plain_line_ends(text: str) -> str:
    """The text with LF for each line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
