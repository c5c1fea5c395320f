"""Meeting times as 教务系统 print them, read: characters → tokens → lines.

There is no standard; what is read here are the forms that the systems in use at schools print on timetables. Reading is
tolerant of widths, brackets and separators and strict about meaning: what is not understood is named, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from zutuan.calendar.rules import MAX_WEEK
from zutuan.decision import Refusal

MAX_PERIOD = 20
MOST_SEGMENTS = 14
LONGEST = 1000  # characters: more is no timetable's line
DAYS = "一二三四五六日"


@dataclass(frozen=True)
class Written:
    """One line of a timetable: on `weekday` (1 Monday … 7, None where the line leaves it to its column) in these periods
    of these weeks. `every` is set where the whole term was meant: `all`, `odd` or `even` weeks; `weeks` is then empty."""

    weekday: int | None
    periods: tuple[int, ...]
    weeks: tuple[int, ...] = ()
    every: str = ""


# --- reading: characters → tokens -------------------------------------------------------------------------------

_TOKENS = re.compile(
    r"(?P<day>(?:星期|礼拜)[一二三四五六日天七1-7]|(?<![0-9单双第])周[一二三四五六日天七]|(?<![0-9)\]单双第次])周[1-7])"
    r"|(?P<every>(?:全|整个?)学期|(?:每|全|各)周(?![一二三四五六日天七]))|(?P<each>每(?=周|星期|礼拜))"
    r"|(?P<number>[0-9]+)|(?P<dash>[-~至到])|(?P<comma>[,、])|(?P<end>[;\n])"
    r"|(?P<period>节次|节)|(?P<week>周次|周)|(?P<parity>[单双])"
    r"|(?P<soft>[第()\[\]{}<>【】〔〕|/:·. \t])"
)
_OPEN, _SHUT = frozenset("([{<【〔"), frozenset(")]}>】〕")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−～〜", "-"))  # noqa: RUF001
_DAY_NUMBERS = {**{char: n for n, char in enumerate(DAYS, start=1)}, "天": 7, "七": 7}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int
    inside: bool = False  # a bracket: what stands there belongs to one line, whatever follows


def _plain(text: str) -> str:
    """Half-width, one kind of dash, `。` and line breaks as separators."""
    text = unicodedata.normalize("NFKC", text.replace("\r\n", "\n")).translate(_DASHES)
    return re.sub(r"(?<=[0-9])\s+(?=周[^一二三四五六日天七])", "", text.replace("。", ";").strip())


def _tokens(text: str) -> list[_Token] | Refusal:
    found: list[_Token] = []
    at = depth = 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None:
            return Refusal("pattern_unknown", {"part": _around(text, at)})
        kind = str(match.lastgroup)
        if kind != "soft":
            found.append(_Token(kind, match[0], at, depth > 0))
        depth = max(0, depth + (match[0] in _OPEN) - (match[0] in _SHUT))
        at = match.end()
    return found


def _around(text: str, at: int) -> str:
    """The word that is not understood."""
    return re.split(r"[\s,;、()\[\]{}]", text[at : at + 12])[0] or text[at : at + 1]


# --- reading: tokens → lines ------------------------------------------------------------------------------------


def read(text: str) -> list[Written] | Refusal:
    """Every line of the text, or which part of it is not understood."""
    if len(text) > LONGEST:
        return Refusal("pattern_too_long", {"max": LONGEST})
    plain = _plain(text)
    tokens = _tokens(plain)
    if isinstance(tokens, Refusal):
        return tokens
    lines: list[Written] = []
    for group in _groups(tokens):
        line = _Reader(plain).read(group)
        if isinstance(line, Refusal):
            return line
        lines.append(line)
    if not lines:
        return Refusal("pattern_empty")
    return lines if len(lines) <= MOST_SEGMENTS else Refusal("pattern_too_many", {"max": MOST_SEGMENTS})


def _groups(tokens: Sequence[_Token]) -> list[list[_Token]]:
    """The tokens of each line: a semicolon or line break ends one, and so does the comma, or the weekday, before a
    second weekday."""
    groups: list[list[_Token]] = [[]]
    for index, token in enumerate(tokens):
        if token.kind == "end":
            groups.append([])
            continue
        known = any(each.kind == "day" for each in groups[-1])
        if token.kind == "day" and known:
            groups.append([])
        elif (
            token.kind == "comma"
            and not token.inside
            and known
            and _complete(groups[-1])
            and _day_ahead(tokens[index + 1 :])
        ):
            groups.append([])
            continue
        groups[-1].append(token)
    trimmed = [_without_commas(group) for group in groups]
    return [group for group in trimmed if group]


def _complete(group: Sequence[_Token]) -> bool:
    kinds = {token.kind for token in group}
    return "period" in kinds and bool(kinds & {"week", "every"})


def _day_ahead(tokens: Sequence[_Token]) -> bool:
    """Whether another line begins here: its weeks may stand before its weekday."""
    for token in tokens:
        if token.kind in ("end", "period"):
            return False
        if token.kind == "day":
            return True
    return False


def _without_commas(group: list[_Token]) -> list[_Token]:
    while group and group[0].kind == "comma":
        group = group[1:]
    while group and group[-1].kind == "comma":
        group = group[:-1]
    return group


@dataclass(frozen=True)
class _Span:
    """Numbers as they were typed, before it is known whether periods or weeks are meant."""

    first: str
    last: str
    at: int

    @property
    def text(self) -> str:
        return self.first if self.first == self.last else f"{self.first}-{self.last}"


class _Bad(Exception):
    def __init__(self, code: str, part: str = "", **params: object) -> None:
        self.refusal = Refusal(code, {"part": part, **params} if part else params)


class _Reader:
    """Reads the tokens of one line. Numbers wait in `spans` until 节 or 周 says what they are."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.weekday: int | None = None
        self.periods: list[int] = []
        self.weeks: list[tuple[tuple[int, ...], str]] = []
        self.every = ""
        self.spans: list[_Span] = []
        self.parity = ""
        self.dash = False
        self.each = False
        self.last = ""

    def read(self, tokens: Sequence[_Token]) -> Written | Refusal:
        try:
            for token in tokens:
                getattr(self, f"_{token.kind}")(token)
            return self._line(tokens)
        except _Bad as bad:
            return bad.refusal

    # each kind of token

    def _day(self, token: _Token) -> None:
        self._nothing_waits()
        char = token.text[-1]
        self.weekday = int(char) if char.isdigit() else _DAY_NUMBERS[char]
        self.last = "day"

    def _every(self, _token: _Token) -> None:
        self._nothing_waits()
        self.every, self.last = "all", "every"

    def _each(self, _token: _Token) -> None:
        """每周三: every week, unless weeks are named."""
        self.each = True

    def _number(self, token: _Token) -> None:
        if self.dash and self.spans:
            before = self.spans.pop()
            if before.first != before.last:
                raise _Bad("pattern_unknown", f"{before.text}-{token.text}")
            self.spans.append(_Span(before.first, token.text, before.at))
        elif self.spans and self.last == "number":
            raise _Bad("pattern_unit", self.spans[-1].text)
        else:
            self.spans.append(_Span(token.text, token.text, token.at))
        self.dash, self.last = False, "number"

    def _dash(self, token: _Token) -> None:
        if not self.spans:
            self._reopen(token)
        if self.dash:
            raise _Bad("pattern_unknown", token.text)
        self.dash = True

    def _reopen(self, token: _Token) -> None:
        """`第1节-第2节` and `第1周至第16周`: the range goes on behind the unit."""
        if self.last == "period" and self.periods:
            self.spans.append(_Span(str(self.periods[-1]), str(self.periods.pop()), token.at))
        elif self.last == "week" and self.weeks and len(self.weeks[-1][0]) == 1:
            week = str(self.weeks.pop()[0][0])
            self.spans.append(_Span(week, week, token.at))
        else:
            raise _Bad("pattern_unknown", token.text)

    def _comma(self, token: _Token) -> None:
        if self.dash or self.last == "comma":
            raise _Bad("pattern_unknown", token.text)
        self.last = "comma"

    def _period(self, token: _Token) -> None:
        if not self.spans:
            raise _Bad("pattern_unknown", token.text)
        self._no_dash()
        if self.parity:
            raise _Bad("pattern_unknown", self.parity)
        self.periods += [number for span in self.spans for number in _periods(span)]
        self.spans, self.last = [], "period"

    def _parity(self, token: _Token) -> None:
        sign = "e" if token.text == "双" else "o"
        if self.spans or not (self.weeks or self.every) or self.last == "comma":
            if self.parity:
                raise _Bad("pattern_unknown", token.text)
            self.parity = sign
        elif self.every:
            self.every = "even" if sign == "e" else "odd"
        elif self.weeks[-1][1]:
            raise _Bad("pattern_unknown", token.text)
        else:
            self.weeks[-1] = (self.weeks[-1][0], sign)
        self.last = "parity"

    def _week(self, token: _Token) -> None:
        self._no_dash()
        if self.spans:
            numbers = tuple(number for span in self.spans for number in _weeks(span))
            self.weeks.append((numbers, self.parity))
            self.spans, self.parity = [], ""
        elif self.parity:
            self.every, self.parity = ("even" if self.parity == "e" else "odd"), ""
        elif self.last != "parity":
            raise _Bad("pattern_unknown", token.text)
        self.last = "week"

    # what must hold

    def _no_dash(self) -> None:
        if self.dash:
            raise _Bad("pattern_unknown", f"{self.spans[-1].first}-")

    def _nothing_waits(self) -> None:
        self._no_dash()
        if self.spans:
            raise _Bad("pattern_unit", self.spans[0].text)
        if self.parity:
            raise _Bad("pattern_unknown", "双" if self.parity == "e" else "单")

    def _line(self, tokens: Sequence[_Token]) -> Written:
        self._nothing_waits()
        end = tokens[-1].at + len(tokens[-1].text)
        part = self.text[tokens[0].at : end][:40]
        if not self.periods:
            raise _Bad("pattern_no_periods", part)
        if not self.weeks and not self.every:
            if not self.each:
                raise _Bad("pattern_no_weeks", part)
            self.every = "all"
        if self.weeks and self.every:
            raise _Bad("pattern_weeks_twice", part)
        weeks = {week for numbers, parity in self.weeks for week in of_parity(numbers, parity)}
        if not weeks and not self.every:
            raise _Bad("pattern_no_such_week", part)
        return Written(self.weekday, tuple(sorted(set(self.periods))), tuple(sorted(weeks)), self.every)


def of_parity(weeks: Sequence[int], parity: str) -> list[int]:
    return [week for week in weeks if not parity or (week % 2 == 0) == (parity == "e")]


def _periods(span: _Span) -> list[int]:
    """`0102` and `010203` are lists without commas."""
    if span.first == span.last and len(span.first) >= 4 and len(span.first) % 2 == 0:
        pairs = [span.first[at : at + 2] for at in range(0, len(span.first), 2)]
        return [_within(pair, MAX_PERIOD, span) for pair in pairs]
    return _between(span, MAX_PERIOD)


def _weeks(span: _Span) -> list[int]:
    return _between(span, MAX_WEEK)


def _between(span: _Span, most: int) -> list[int]:
    first, last = _within(span.first, most, span), _within(span.last, most, span)
    if last < first:
        raise _Bad("pattern_backwards", span.text)
    return list(range(first, last + 1))


def _within(text: str, most: int, span: _Span) -> int:
    number = int(text) if len(text) <= 2 else most + 1
    if not 1 <= number <= most:
        raise _Bad("pattern_number", span.text, max=most)
    return number
