"""Why a paper is refused."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "no_glyph": (
            _l("服务器上的字体印不出这些字：%(chars)s。为免印成空框，没有开具。"),
            _l("请联系平台管理员安装字体包 fonts-hanazono 和 fonts-babelstone-han 后再试。"),
        ),
        "paper_revoked": _l("这份证明已经撤销。"),
        "too_many_papers": (_l("一次最多下载 %(max)s 份证明。"), _l("请分几次下载。")),
        "bad_paper_number": (_l("不是有效的证明编号。"), _l("请核对是否有错字或漏字。")),
    }
)
