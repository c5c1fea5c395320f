"""Why an admission is refused."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "not_shared_with_school": _l("这门课程现在没有向贵校共享，不能列入。"),
        "no_courses_chosen": (_l("还没有选中任何课程。"), _l("请先勾选，再办理。")),
    }
)
