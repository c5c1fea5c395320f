"""Words for roles and affiliations."""

from flask_babel import lazy_gettext as _l

ROLE = {
    "student": _l("学生"),
    "teacher": _l("教师"),
    "staff": _l("职员"),
    "librarian": _l("图书馆员"),
    "secretary": _l("教学秘书"),
    "registrar": _l("教务员"),
    "room_manager": _l("教室管理员"),
    "school_admin": _l("学校管理员"),
    "cluster_admin": _l("组团管理员"),
    "platform_admin": _l("平台管理员"),
}
MEMBER = {"lead": _l("牵头高校"), "partner": _l("参与高校"), "supported": _l("重点支持院校")}
