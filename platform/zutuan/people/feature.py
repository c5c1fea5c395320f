"""People, as the kernel registers them."""

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.feature import Card, Feature, ImportKind, NavEntry, Todo
from zutuan.people import account_pages as account_pages
from zutuan.people import belonging, notices, policies
from zutuan.people import errors as errors
from zutuan.people.api import me_api, people_api, session_api
from zutuan.people.change_pages import blueprint as change_blueprint
from zutuan.people.demo import load
from zutuan.people.hook import HOOK
from zutuan.people.keys_pages import blueprint as keys_blueprint
from zutuan.people.labels import COLUMN, KIND, ROLE, STANDING
from zutuan.people.own_pages import blueprint as own_blueprint
from zutuan.people.pages import blueprint
from zutuan.people.permissions import allow
from zutuan.people.retention import YEARS
from zutuan.people.role_pages import blueprint as role_blueprint
from zutuan.people.roles_api import roles_api
from zutuan.people.rosters import roster_import
from zutuan.people.staff_pages import blueprint as staff_blueprint
from zutuan.people.succession import SUCCESSION
from zutuan.sharing.actor import Actor

# Roles whose own rooms are still being built: what they can do today, and where.
_HINTS = {
    "librarian": (_l("文献共享还没有开放；现在可以查看本校师生能选的课程。"), "catalogue.catalogue", _l("浏览课程")),
    "room_manager": (_l("教室借用还没有开放；现在可以查看组团的学校。"), "clusters.clusters", _l("查看组团")),
    "secretary": (_l("查看外出和来校修读的学生；也可以为本校新建课程。"), "enrolment.approvals", _l("跨校选课")),
    "registrar": (_l("审核本校学生的跨校选课，查看来校修读的学生。"), "enrolment.approvals", _l("选课审核")),
    "school_admin": (
        _l("可以管理本校课程，在“人员”里授予角色，在“导入”里更新名单。"),
        "catalogue.mine",
        _l("我的开课"),
    ),
    "cluster_admin": (_l("可以在组团页面办理成员学校的加入和退出。"), "clusters.clusters", _l("管理组团")),
    "platform_admin": (
        _l("可以办理各组团的成员变化，查看操作记录。"),
        "clusters.clusters",
        _l("管理组团"),
    ),
}


def cards(_session: Session, actor: Actor) -> list[Card]:
    """An honest next step for every role that is not a student's or a teacher's."""
    roles = dict.fromkeys(held.role for held in actor.roles if held.role in _HINTS)
    hints = [(ROLE[role], _HINTS[role][0], url_for(_HINTS[role][1]), _HINTS[role][2]) for role in roles]
    return [Card("people/_next.html", {"hints": hints}, order=30)] if hints else []


ROSTER = ImportKind(
    "people", _l("人员名单"), _l("学工号、姓名必填；学籍有变动的也用它更新"),
    lambda handed: roster_import(handed.school_id), allow, "people.import", labels=COLUMN, words={"kind": KIND, "standing": STANDING},
)  # fmt: skip


def _runs(actor: Actor) -> bool:
    return actor.holds(("registrar", "school_admin", "platform_admin"))


def _audits(actor: Actor) -> bool:
    return actor.holds(("school_admin", "platform_admin"))


def todos(session: Session, actor: Actor) -> list[Todo]:
    """A school that counts somebody among its people asks them."""
    waiting = belonging.proposals_of(session, actor)
    if not waiting:
        return []
    names = "、".join(each.school.name for each in waiting)
    note, since = _("%(schools)s的名单里有您", schools=names), min(each.proposed_at for each in waiting)
    return [Todo(len(waiting), _("加入学校的提议"), note, url_for("people.account"), _("去看看"), since)]


# Where somebody who cannot sign in yet gets in.
KEYS = (
    "keys.activate", "keys.activate_post", "keys.forgot", "keys.forgot_post", "keys.link", "keys.link_post", "own.privacy",
)  # fmt: skip

FEATURE = Feature(
    name="people",
    pages=(blueprint, keys_blueprint, staff_blueprint, own_blueprint, change_blueprint, role_blueprint),
    nav=(
        NavEntry("staff.people", _l("人员"), "people", group="organisation", shown=_runs, more_only=True, order=85),
        NavEntry("staff.audit", _l("操作记录"), "clock", group="organisation", shown=_audits, more_only=True, order=95),
    ),
    todos=todos,
    notices=notices.TEXTS,
    api=(session_api, me_api, people_api, roles_api),
    permissions=allow,
    cards=cards,
    imports=(ROSTER,),
    people=HOOK,
    succession=SUCCESSION,
    policies=(*policies.ALL, YEARS),
    demo=load,
    demo_order=30,
    public=frozenset({"people.sign_in", "people.sign_in_post", "people.demo_sign_in", "api-session.Session", *KEYS}),
)
