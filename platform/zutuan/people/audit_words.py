"""The audit's codes in words. A feature's code that has none here is shown as it is."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

NOUN = {
    "person": _l("账号"), "people": _l("人员"), "me": _l("账号"), "session": _l("登录"), "token": _l("个人令牌"), "key": _l("激活码或链接"),
    "privacy": _l("隐私政策"), "role": _l("角色"), "affiliation": _l("所在学校"), "audit": _l("操作记录"), "import": _l("导入"),
    "school": _l("学校"), "department": _l("院系"), "cluster": _l("组团"), "membership": _l("组团成员"), "course": _l("课程"),
    "offering": _l("开课"), "enrolment": _l("选课"), "roster": _l("修读名单"), "paper": _l("证明"), "policy": _l("设置"),
    "policy_value": _l("设置"), "file": _l("文件"), "upload": _l("上传"), "item": _l("共享内容"), "feed": _l("日历订阅"),
    "calendar_feed": _l("日历订阅"), "group_chat": _l("群机器人"), "notice": _l("通知"), "term": _l("学期"), "calendar": _l("校历"),
    "table": _l("作息时间表"), "day": _l("假日与调休"), "timetable": _l("课表"),
    "attendance": _l("考勤"), "leave": _l("请假"), "leave_request": _l("请假"), "export_format": _l("导出格式"),
}  # fmt: skip
VERB = {
    "create": _l("新建"), "edit": _l("修改"), "update": _l("变更"), "delete": _l("删除"), "add": _l("增加"), "end": _l("结束"),
    "set": _l("设定"), "publish": _l("发布"), "suspend": _l("暂停"), "archive": _l("归档"), "enrol": _l("提交"), "approve": _l("通过"),
    "deny": _l("不通过"), "host_deny": _l("开课学校不通过"), "withdraw": _l("退出"), "drop": _l("放弃"), "expire": _l("逾期释放"),
    "issue": _l("发出"), "revoke": _l("撤销"), "grant": _l("授予"), "delegate": _l("委托代理"), "propose": _l("提议"), "accept": _l("接受"),
    "decline": _l("谢绝"), "decide": _l("决定"), "store": _l("保存"), "attach": _l("附上"), "hand_in": _l("交来文件"),
    "columns": _l("指定各列"), "check": _l("重新核对"), "apply": _l("确认写入"), "people": _l("写入人员"), "schools": _l("写入学校"),
    "clusters": _l("写入组团"), "calendar": _l("写入校历"), "timetable": _l("写入课表"), "import": _l("导入"), "read": _l("查看"),
    "list": _l("查看列表"), "list_school": _l("查看列表"), "write": _l("修改"), "manage": _l("管理"), "disable": _l("停用"),
    "disabled": _l("停用"), "active": _l("恢复"), "password": _l("设置密码"), "locale": _l("更换语言"), "view_as": _l("以其身份查看"),
    "view_as_end": _l("结束以其身份查看"), "demo": _l("演示数据"), "rename": _l("改名"), "succeed": _l("转入承接学校"),
    "save": _l("保存"), "check_in": _l("签到"), "ask": _l("提出"), "refuse": _l("不同意"), "mark": _l("记录"),
}  # fmt: skip
WHOLE = {
    "school.succeed": _l("学校 · 并入另一所"), "person.merge": _l("合并账号（保留）"),
    "person.merged": _l("合并账号（并入）"), "person.merge_at": _l("合并账号"), "person.strip": _l("已注销账号 · 到期删除"),
    "session.open": _l("登录"), "session.close": _l("退出登录"), "person.close": _l("注销账号"), "key.mail.reset": _l("寄出重设密码的链接"),
    "key.mail.activate": _l("寄出邀请"), "enrolment.drop": _l("选课 · 退课"), "enrolment.withdraw": _l("选课 · 退出课程"),
}  # fmt: skip


def said(action: str) -> str:
    """What was done, in words; the code itself where there are none."""
    code = action.removeprefix("denied:")
    words = _said(code)
    return words if code == action else _("被拒绝：%(what)s", what=words)


def _said(code: str) -> str:
    thing, _dot, verb = code.partition(".")
    if code in WHOLE:
        return str(WHOLE[code])
    return f"{NOUN[thing]} · {VERB[verb]}" if thing in NOUN and verb in VERB else code


def noun(code: str) -> str:
    return str(NOUN.get(code, code))
