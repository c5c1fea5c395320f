"""What people hear about their roles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from zutuan.clock import local
from zutuan.people.labels import ROLE
from zutuan.web.texts import stamp


def _granted(params: Mapping[str, Any]) -> str:
    return _("您获得了“%(role)s”的角色。", role=ROLE[params["role"]])


def _revoked(params: Mapping[str, Any]) -> str:
    return _("您不再担任“%(role)s”。", role=ROLE[params["role"]])


def _delegated(params: Mapping[str, Any]) -> str:
    until = local(datetime.fromisoformat(params["until"])).strftime("%Y-%m-%d %H:%M")
    return _(
        "%(name)s请您代理“%(role)s”，到 %(until)s 为止。", name=params["name"], role=ROLE[params["role"]], until=until
    )


def _merged(_params: Mapping[str, Any]) -> str:
    return _("您在平台上的另一个账号已并入这个账号，它的选课、角色和通知都在这里；它的登录和令牌已停用。")


def _ended(params: Mapping[str, Any]) -> str:
    until = stamp(datetime.fromisoformat(params["until"]))
    return _("%(school)s登记您自 %(until)s 起不再属于该校。", school=params["school"], until=until)


TEXTS = {
    "role.granted": _granted, "role.revoked": _revoked, "role.delegated": _delegated, "person.merged": _merged,
    "affiliation.ended": _ended,
}  # fmt: skip
