"""Fields of every schema: strict about types, clear about errors. A message is a code (`errors.say` gives its sentence).

JSON is taken as it is typed; form data goes through `from_form` first, so one schema serves both faces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, ValidationError, fields
from marshmallow import Schema as BaseSchema
from werkzeug.datastructures import MultiDict

from zutuan.clock import SHANGHAI
from zutuan.db import MAX_ID
from zutuan.decision import FieldError

# A form's rows beyond this are not even read: the schema refuses far fewer.
MOST_ROWS = 60


class Say(str):
    """An error code with the values its sentence needs."""

    params: dict[str, Any]

    def __new__(cls, code: str, **params: Any) -> Say:
        self = super().__new__(cls, code)
        self.params = params
        return self


def bad(code: str, **params: Any) -> ValidationError:
    return ValidationError(Say(code, **params))


class Schema(BaseSchema):
    """An allow-list: what is not declared is refused by name."""

    error_messages: dict[str, Any] = {"unknown": "unknown_field", "type": "wrong_type"}

    class Meta:
        unknown = RAISE


class Named(Schema):
    """Something else by its id and name, as answers refer to schools, departments and people."""

    id = fields.Integer()
    name = fields.String()


_COMMON: dict[str, Any] = {"required": "required", "null": "null", "validator_failed": "field_invalid"}
fields.Field.default_error_messages = _COMMON
fields.String.default_error_messages = {"invalid": "not_text", "invalid_utf8": "not_text"}
fields.Integer.default_error_messages = {"invalid": "not_whole"}
fields.Number.default_error_messages = {"invalid": "not_number", "too_large": "not_number"}
fields.Decimal.default_error_messages = {"special": "not_number"}
fields.Boolean.default_error_messages = {"invalid": "not_bool"}
fields.DateTime.default_error_messages = {
    "invalid": "not_moment",
    "invalid_awareness": "not_moment",
    "format": "not_moment",
}
fields.AwareDateTime.default_error_messages = {}
fields.Date.default_error_messages = {"invalid": "not_date", "format": "not_date"}
fields.List.default_error_messages = {"invalid": "not_list"}
fields.Nested.default_error_messages = {"type": "wrong_type"}
fields.Mapping.default_error_messages = {"invalid": "wrong_type"}

# Line breaks and tabs are text; other controls, the marks that reorder what a reader sees, tags, noncharacters and the
# sign of bytes that were no UTF-8 are not.
_NONCHARACTERS = "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd\ud800-\udfff"
    rf"\ufdd0-\ufdef\U000E0000-\U000E007F{_NONCHARACTERS}]"
)
# Letters and a symbol of Unicode that show nothing: Hangul fillers and the empty braille cell.
_BLANK = frozenset(map(chr, (0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0)))
_BREAKS = re.compile(r"[\r\n\t\u2028\u2029]")


def _shows(text: str) -> bool:
    """Whether a reader sees anything of it."""
    return any(unicodedata.category(char)[0] in "LNPS" and char not in _BLANK for char in text)


def _describe(field: fields.Field[Any], **facts: Any) -> None:
    """What openapi.json says of a field's bounds."""
    field.metadata = {**facts, **field.metadata}


class Text(fields.String):
    """Text of `min` to `max` characters, in NFC, without surrounding space; one line unless `multiline`."""

    def __init__(self, max: int, min: int = 1, multiline: bool = False, **kw: Any) -> None:
        self.max, self.min, self.multiline = max, min, multiline
        if min == 0:
            kw.setdefault("load_default", "")
        super().__init__(**kw)
        _describe(self, maxLength=max, **({"minLength": min, "pattern": r"\S"} if min else {}))

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = super()._deserialize(value, attr, data, **kw)
        if _FORBIDDEN.search(text) or (not self.multiline and _BREAKS.search(text.strip())):
            raise bad("control_characters")
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
        if len(text) > self.max:
            raise bad("too_long", max=self.max)
        if text and not _shows(text):
            raise bad("nothing_to_see")
        if len(text) < self.min:
            raise bad("required") if not text else bad("too_short", min=self.min)
        return text


class Pattern(Text):
    """Text that must match a whole pattern; `code` is the error."""

    def __init__(self, pattern: str, code: str, max: int, **kw: Any) -> None:
        self.pattern, self.code = re.compile(pattern), code
        super().__init__(max, **kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = super()._deserialize(value, attr, data, **kw)
        if text and not self.pattern.fullmatch(text):
            raise bad(self.code)
        return text


class AcademicYear(Pattern):
    """学年 as 2026-2027: two years that follow each other."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(r"20[0-9]{2}-20[0-9]{2}", "bad_academic_year", 9, **kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = super()._deserialize(value, attr, data, **kw)
        if text and int(text[5:]) != int(text[:4]) + 1:
            raise bad(self.code)
        return text


class Whole(fields.Integer):
    """A whole number within bounds; text, booleans and 1.0 are not whole numbers."""

    def __init__(self, min: int, max: int, **kw: Any) -> None:
        self.low, self.high = min, max
        super().__init__(strict=True, **kw)
        _describe(self, minimum=min, maximum=max)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad("not_whole")
        if value < self.low:
            raise bad("too_small", min=self.low)
        if value > self.high:
            raise bad("too_big", max=self.high)
        return value


class Ref(Whole):
    """The id of something."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(1, MAX_ID, **kw)


_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{0,6})?")


class Amount(fields.Decimal):
    """An exact decimal within bounds with at most two places (credits)."""

    def __init__(self, min: str, max: str, **kw: Any) -> None:
        self.low, self.high = Decimal(min), Decimal(max)
        super().__init__(**kw)
        _describe(self, type="number", minimum=float(min), maximum=float(max))

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> Decimal:
        if isinstance(value, bool) or (isinstance(value, str) and not _NUMBER.fullmatch(value.strip())):
            raise bad("not_number")
        number = super()._deserialize(value, attr, data, **kw)
        assert isinstance(number, Decimal)
        if number < self.low:
            raise bad("too_small", min=self.low)
        if number > self.high:
            raise bad("too_big", max=self.high)
        if number != round(number, 2):
            raise bad("not_number")
        return number

    def _serialize(self, value: Any, attr: Any, obj: Any, **kw: Any) -> Any:
        return None if value is None else (int(value) if value == int(value) else float(value))


class Choice(fields.String):
    """One of a fixed set of words."""

    def __init__(self, choices: Sequence[str], **kw: Any) -> None:
        self.choices = tuple(choices)
        super().__init__(**kw)
        _describe(self, enum=list(self.choices))

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = super()._deserialize(value, attr, data, **kw)
        if text == "":
            raise bad("required")
        if text not in self.choices:
            raise bad("not_a_choice", choices=self.choices)
        return text


class Flag(fields.Boolean):
    """true or false; in a query also 1 and 0."""

    truthy = {True, "true", "1"}
    falsy = {False, "false", "0"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> bool:
        if isinstance(value, int) and not isinstance(value, bool):
            raise bad("not_bool")
        return bool(super()._deserialize(value, attr, data, **kw))


class Instant(fields.AwareDateTime):
    """An instant with zone (RFC 3339); written in UTC."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> Any:
        if not isinstance(value, str):
            raise bad("not_moment")
        try:
            moment = super()._deserialize(value, attr, data, **kw)
            in_range = 2000 <= moment.year <= 2100
        except (OverflowError, ValueError) as error:
            if isinstance(error, ValidationError):
                raise
            raise bad("not_moment") from error
        if not in_range:
            raise bad("not_moment")
        return moment


class Day(fields.Date):
    """A Shanghai date, as forms give it; of years in which its first instant, and the day after it, can be said."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> date:
        day = super()._deserialize(value, attr, data, **kw)
        if not isinstance(day, date) or not 2000 <= day.year <= 2100:
            raise bad("not_date")
        return day


class Many(fields.List[Any]):
    """A list of `min` to `max` items."""

    def __init__(self, inner: Any, max: int, min: int = 0, unique: bool = False, **kw: Any) -> None:
        self.least, self.most, self.unique = min, max, unique
        super().__init__(inner, **kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> list[Any]:
        if not isinstance(value, list):
            raise bad("not_list")
        if len(value) > self.most:
            raise bad("too_many_items", max=self.most)
        if len(value) < self.least:
            raise bad("too_few_items", min=self.least)
        items = super()._deserialize(value, attr, data, **kw)
        if self.unique and len(set(items)) != len(items):
            raise bad("duplicate_item")
        return items


class Row(fields.Nested):
    """One row of a list. A change names the lists it changes, and gives each row of them whole."""

    def _deserialize(self, value: Any, attr: Any, data: Any, partial: Any = None, **kw: Any) -> Any:
        return super()._deserialize(value, attr, data, partial=False, **kw)


def field_errors(messages: Any, path: str = "") -> list[FieldError]:
    """marshmallow's nested messages as a flat list with dotted paths."""
    found: list[FieldError] = []
    if isinstance(messages, dict):
        for key, inner in messages.items():
            name = "" if key == "_schema" else str(key)
            found += field_errors(inner, ".".join(part for part in (path, name) if part))
    elif isinstance(messages, (list, tuple)):
        for inner in messages:
            found += field_errors(inner, path)
    else:
        found.append(FieldError(path, str(messages), getattr(messages, "params", {})))
    return found


def from_form(schema: BaseSchema, form: MultiDict[str, str], prefix: str = "") -> dict[str, Any]:
    """Form text as the types its schema declares. What cannot be converted is left for the schema to refuse.

    Lists of nested rows come as `meetings-0-weekday`; an empty optional control counts as absent.
    """
    data: dict[str, Any] = {}
    for name, field in schema.load_fields.items():
        key = prefix + name
        if isinstance(field, fields.List) and isinstance(field.inner, fields.Nested):
            data[name] = _rows(field.inner, form, key, max(MOST_ROWS, getattr(field, "most", 0)))
        elif isinstance(field, fields.List):
            data[name] = [_typed(field.inner, text) for text in _texts(form, key) if text != ""]
        elif isinstance(field, fields.Boolean):
            data[name] = key in form and form[key] not in ("", "0", "false")
        elif key in form and (form[key] != "" or isinstance(field, fields.String)):
            data[name] = _typed(field, form[key])
    return data


def _texts(form: MultiDict[str, str], key: str) -> list[str]:
    """A list as repeated controls, or as one control with separators (keywords)."""
    values = form.getlist(key)
    if len(values) == 1:
        return [part.strip() for part in re.split(r"[,，、;；]", values[0])]
    return values


def _rows(nested: fields.Nested, form: MultiDict[str, str], key: str, most: int) -> list[dict[str, Any]]:
    pattern = re.compile(re.escape(key) + r"-([0-9]{1,9})-")
    numbers = sorted({int(match[1]) for name in form if (match := pattern.match(name))})[:most]
    rows = [from_form(nested.schema, form, f"{key}-{number}-") for number in numbers]
    return [row for row in rows if any(value not in ("", [], False) for value in row.values())]


def _typed(field: Any, text: str) -> Any:
    if isinstance(field, fields.Integer) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", text):
        return int(text)
    if isinstance(field, fields.DateTime) and re.fullmatch(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?", text
    ):
        return _shanghai(text)
    return text


def _shanghai(text: str) -> str:
    """A form's local time as an instant: forms are filled in on Shanghai's clock."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).isoformat()
    except ValueError:
        return text
