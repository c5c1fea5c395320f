"""Domain errors. The kernel maps them to HTTP once (`web/problems.py`); services raise them, pages and API never build them.

Every code has a sentence, and where something can be done, a cure. Features add theirs with `messages()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from zutuan.clock import local
from zutuan.decision import FieldError, Refusal


@dataclass(frozen=True)
class Message:
    text: Any
    cure: Any = ""


_MESSAGES: dict[str, Message] = {}
_COMMA = _l("、")


def messages(table: Mapping[str, tuple[Any, Any] | Any]) -> None:
    """Add sentences: code → text, or code → (text, cure); both may hold %(name)s placeholders."""
    for code, entry in table.items():
        if code in _MESSAGES:
            raise ValueError(f"the code {code!r} already has a sentence")
        _MESSAGES[code] = Message(*entry) if isinstance(entry, tuple) else Message(entry)


def say(code: str, params: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """The sentence and the cure of a code, in the reader's language."""
    message = _MESSAGES[code]
    values = {name: _shown(value) for name, value in (params or {}).items()}
    return str(message.text) % values, str(message.cure) % values


def _shown(value: Any) -> Any:
    """Times are said on Shanghai's clock, lists with the language's comma."""
    if isinstance(value, (list, tuple)):
        return str(_COMMA).join(str(each) for each in value)
    return local(value).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value


def known_codes() -> frozenset[str]:
    return frozenset(_MESSAGES)


class ZutuanError(Exception):
    """Base of all that is answered with a 4xx and a stable code."""

    status = 400
    code = "bad_request"

    def __init__(self, code: str | None = None, /, *, errors: Iterable[FieldError] = (), **params: Any) -> None:
        self.code = code or self.code
        self.errors = list(errors)
        self.params = params
        super().__init__(self.code)


class Unauthenticated(ZutuanError):
    status, code = 401, "sign_in_needed"


class NotFound(ZutuanError):
    """Does not exist, or may not be seen: the two are told apart nowhere but in the audit."""

    status, code = 404, "not_found"


@dataclass(frozen=True)
class Denial:
    """What was denied, for the audit: the action and, where known, what it was tried on."""

    action: str
    subject_type: str = ""
    subject_id: int | None = None


class Hidden(NotFound):
    """It exists, but this person may not see it: 404 like a random id, and one audit row."""

    def __init__(self, denial: Denial) -> None:
        super().__init__()
        self.denial = denial


class Forbidden(ZutuanError):
    """Visible, but this person may not do that: 403, and one audit row."""

    status, code = 403, "forbidden"

    def __init__(self, denial: Denial) -> None:
        super().__init__()
        self.denial = denial


class Refused(ZutuanError):
    """A rule says no: 409 with its code."""

    status, code = 409, "refused"

    @classmethod
    def because(cls, refusal: Refusal) -> Refused:
        return cls(refusal.code, **refusal.params)


class Unmeasured(ZutuanError):
    status, code = 411, "length_required"


class Stale(ZutuanError):
    status, code = 412, "stale"


class Invalid(ZutuanError):
    """Bad input: 422 naming each bad field."""

    status, code = 422, "invalid"

    @classmethod
    def field(cls, field: str, code: str, **params: Any) -> Invalid:
        return cls(errors=[FieldError(field, code, params)])


class TooMany(ZutuanError):
    status, code = 429, "too_many"


def insist(refusal: Refusal | None) -> None:
    """Raise `Refused` if a rule refused."""
    if refusal is not None:
        raise Refused.because(refusal)


messages(
    {
        "bad_request": _l("请求无法理解。"),
        "sign_in_needed": (_l("请先登录。"), _l("登录后会回到这一页。")),
        "not_found": (
            _l("没有找到这一页，或者它没有向您共享。"),
            _l("请检查地址，或从列表重新进入；如果应当可见，请联系资源所属学校。"),
        ),
        "forbidden": (_l("您可以查看，但不能进行这项操作。"), _l("如需办理，请联系本校教务员或学校管理员。")),
        "refused": _l("现在不能这样做。"),
        "stale": (_l("这条记录刚刚被别人修改过，您的修改没有保存。"), _l("请重新打开，核对后再修改。")),
        "precondition_needed": (_l("修改时须说明所依据的版本。"), _l("请带上 If-Match 头，值为读取时的 ETag。")),
        "invalid": (_l("有内容需要更正，没有保存任何内容。"), ""),
        "too_many": (_l("尝试次数过多。"), _l("请在 %(seconds)s 秒后再试。")),
        "method_not_allowed": _l("这个地址不支持这种操作。"),
        "too_large": (_l("提交的内容太大。"), _l("请缩小后再提交，上限为 %(limit)s。")),
        "length_required": _l("请求须写明内容长度（Content-Length）。"),
        "unsupported_media_type": (_l("不支持这种内容类型。"), _l("请使用 application/json。")),
        "not_json": _l("内容不是有效的 JSON。"),
        "csrf": (_l("页面已过期，没有保存任何内容。"), _l("请返回上一页刷新后再提交。")),
        "busy": (_l("同一时间有别人在修改，您的操作没有保存。"), _l("请再试一次。")),
        "conflict": (_l("与已有的记录冲突，没有保存。"), _l("请刷新后核对。")),
        "idempotency_mismatch": (
            _l("这个 Idempotency-Key 已用于另一次内容不同的请求。"),
            _l("请为新的请求使用新的值。"),
        ),
        "idempotency_key_bad": _l("Idempotency-Key 须为 1 至 100 个可见的 ASCII 字符。"),
        "internal": (_l("系统出错了，您的操作没有保存。"), _l("请稍后再试；仍不行时，请把页面下方的编号告诉管理员。")),
        "unavailable": (_l("系统暂时无法访问数据库。"), _l("请稍后再试。")),
        # fields
        "required": _l("必填。"),
        "null": _l("不能为空值。"),
        "wrong_type": _l("类型不对。"),
        "not_text": _l("须为文字。"),
        "not_whole": _l("须为整数。"),
        "not_number": _l("须为数字。"),
        "not_bool": _l("须为是或否。"),
        "not_moment": _l("须为带时区的时间，例如 2026-11-24T08:00:00+08:00。"),
        "not_date": _l("须为日期，例如 2026-11-24。"),
        "not_list": _l("须为列表。"),
        "unknown_field": _l("没有这个字段。"),
        "too_long": _l("最多 %(max)s 个字。"),
        "too_short": _l("至少 %(min)s 个字。"),
        "too_small": _l("不能小于 %(min)s。"),
        "too_big": _l("不能大于 %(max)s。"),
        "not_a_choice": _l("只能是：%(choices)s。"),
        "control_characters": _l("含有不可见的控制字符。"),
        "nothing_to_see": _l("只有看不见的字符，请填写内容。"),
        "too_many_items": _l("最多 %(max)s 项。"),
        "too_few_items": _l("至少 %(min)s 项。"),
        "duplicate_item": _l("有重复的项。"),
        "field_invalid": _l("内容无效。"),
        "bad_cursor": _l("翻页标记无效，请从第一页开始。"),
        "taken": _l("已被使用。"),
        "ends_before_start": _l("结束不能早于开始。"),
        "no_such": _l("没有这一项，或者您不能使用它。"),
        "bad_code": _l("只能用字母、数字、点、横线和下划线。"),
        "bad_email": _l("不是有效的邮箱地址。"),
        "bad_url": _l("须为 https:// 或 http:// 开头的网址。"),
    }
)
