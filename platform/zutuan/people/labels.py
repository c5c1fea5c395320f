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
KIND = {"student": _l("学生"), "teacher": _l("教师"), "staff": _l("职员")}
STANDING = {
    "active": _l("在读"),
    "suspended": _l("休学"),
    "reserved": _l("保留学籍"),
    "withdrawn": _l("退学"),
    "graduated": _l("毕业"),
    "completed": _l("结业"),
    "incomplete": _l("肄业"),
    "transferred": _l("转出"),
    "expelled": _l("开除学籍"),
    "left": _l("离校"),
    "deceased": _l("去世"),
}
# Columns of a roster, as pages name them.
COLUMN = {
    "number": _l("学工号"),
    "name": _l("姓名"),
    "email": _l("邮箱"),
    "kind": _l("身份"),
    "department": _l("院系"),
    "major": _l("专业"),
    "grade": _l("年级"),
    "class_name": _l("班级"),
    "level": _l("培养层次"),
    "programme": _l("培养类型"),
    "standing": _l("学籍状态"),
    "school": _l("学校"),
}
