"""Which font has which character. Chinese names reach into CJK extensions that no single font covers, so a paper takes
each character from the first font of a chain that has it. What no font has is never printed as a box: the paper is
refused, and the message says which packages to install.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import noto_cjk_sans_otc
import pylopdf_fonts_zh_cn
from fontTools.ttLib import TTCollection, TTFont

SIMPLIFIED = 2  # the face of Noto Sans CJK's collection
_DEBIAN = Path("/usr/share/fonts/truetype")


@dataclass(frozen=True)
class Font:
    name: str
    path: Path
    face: int = 0


# The first covers all of 通用规范汉字表, Extension A and Latin; the last comes as a wheel too, so both are always there.
# Between them, where Debian's fonts-hanazono and fonts-babelstone-han are installed: Extensions B to H, in the same style.
CHAIN = (
    Font("serif", pylopdf_fonts_zh_cn.serif_path()),
    Font("hana-b", _DEBIAN / "hanazono" / "HanaMinB.ttf"),
    Font("hana-a", _DEBIAN / "hanazono" / "HanaMinA.ttf"),
    Font("babelstone", _DEBIAN / "babelstone" / "BabelStoneHan.ttf"),
    Font("sans", Path(str(noto_cjk_sans_otc.FONT_PATH)), SIMPLIFIED),
)


@cache
def _characters(font: Font) -> frozenset[int]:
    if not font.path.exists():
        return frozenset()
    if font.path.suffix == ".ttc":
        with TTCollection(font.path, lazy=True) as collection:
            return frozenset(collection.fonts[font.face].getBestCmap())
    with TTFont(font.path, lazy=True) as opened:
        return frozenset(opened.getBestCmap())


def fonts_for(texts: Iterable[str]) -> tuple[list[Font], str]:
    """The fonts that these texts need, in the chain's order, and the characters that none of them has."""
    wanted = {ord(char) for text in texts for char in text if char not in "\n "}
    needed = []
    for font in CHAIN:
        if not wanted:
            break
        found = wanted & _characters(font)
        if found or font is CHAIN[0]:
            needed.append(font)
        wanted -= found
    return needed, "".join(chr(code) for code in sorted(wanted))
