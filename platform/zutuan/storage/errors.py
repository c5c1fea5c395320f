"""Why files say no."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import ZutuanError, messages


class Gone(ZutuanError):
    """The upload was there once: 410, so that a client begins anew instead of asking again."""

    status, code = 410, "upload_over"


class Differs(ZutuanError):
    """tus' own status: a piece arrived damaged, and none of it was kept."""

    status, code = 460, "piece_checksum"


class TooLarge(ZutuanError):
    status, code = 413, "too_large"


class Stalled(ZutuanError):
    """The client sent nothing for too long: 408, and what a resumable upload already has is safe."""

    status, code = 408, "upload_stalled"


class Crowded(ZutuanError):
    """All places for uploads of this process are taken: 503, so that pages go on answering."""

    status, code = 503, "uploads_crowded"


class OtherProtocol(ZutuanError):
    status, code = 412, "tus_version"


messages(
    {
        "storage_down": (_l("文件存储暂时不可用，没有保存任何内容。"), _l("请稍后再试。")),
        "name_path": _l('文件名不能含有路径符号，如 / \\ : * ? " < > |，也不能含有与它们相像的字符。'),
        "name_invisible": _l("文件名含有不可见或改变文字方向的字符。"),
        "name_dots": _l("文件名不能只有点。"),
        "name_reserved": _l("这个名称是系统保留的，请换一个。"),
        "name_dot_at_end": _l("文件名不能以点开头或结尾。"),
        "file_ending": (_l("不接受以 .%(ending)s 结尾的文件。"), _l("可以上传：%(choices)s。")),
        "file_ending_missing": (_l("文件名没有扩展名，无法判断类型。"), _l("可以上传：%(choices)s。")),
        "file_content": (_l("文件内容与扩展名 .%(ending)s 不符。"), _l("请用原来的软件重新保存后再上传。")),
        "file_empty": _l("文件是空的。"),
        "file_missing": _l("没有收到文件。"),
        "file_too_large": _l("文件不能超过 %(limit)s。"),
        "file_incomplete": (_l("文件没有收完整，没有保存。"), _l("请再上传一次。")),
        "file_checksum": (_l("收到的文件与所报的 SHA-256 不一致，没有保存。"), _l("请再上传一次。")),
        "bad_sha256": _l("SHA-256 须为 64 个十六进制字符。"),
        "files_quota": (_l("您自己的文件已达上限 %(limit)s。"), _l("请先删除不再需要的文件。")),
        "too_many_uploads": (_l("同时进行的上传太多（最多 %(max)s 个）。"), _l("请先完成或取消其他上传。")),
        "item_takes_no_files": _l("这类资源不能附文件。"),
        "upload_over": (_l("这次上传已经结束。"), _l("请重新开始上传。")),
        "upload_offset": (_l("服务器已收到 %(offset)s 字节，与续传的位置不一致。"), _l("请先询问进度，再从那里续传。")),
        "upload_too_long": _l("内容超过了开始时所报的长度（%(length)s 字节）。"),
        "upload_busy": (_l("这次上传正由另一个请求写入。"), _l("请稍后询问进度再续传。")),
        "upload_too_many_parts": (_l("这次上传被切得太碎。"), _l("请用更大的分块重新开始。")),
        "upload_stalled": (_l("很久没有收到数据，传输已中断。"), _l("请检查网络后再试；续传会从中断处继续。")),
        "uploads_crowded": (_l("同时上传的人太多。"), _l("请过几秒再试。")),
        "piece_checksum": _l("这一块内容的校验值不一致，已丢弃。"),
        "checksum_algorithm": _l("校验算法只能是：%(choices)s。"),
        "tus_version": _l("只支持 tus 1.0.0 协议。"),
        "upload_length": _l("请用 Upload-Length 头写明文件长度（字节）。"),
        "upload_metadata": _l("Upload-Metadata 头的格式不对。"),
        "upload_offset_missing": _l("请用 Upload-Offset 头写明从哪里续传。"),
        "offset_media_type": _l("内容类型须为 application/offset+octet-stream。"),
    }
)
