"""Notices, as the kernel registers them."""

from zutuan.feature import Feature
from zutuan.notices import errors as errors
from zutuan.notices import groups, merging, post
from zutuan.notices.api import api, choices_api, groups_api
from zutuan.notices.pages import blueprint
from zutuan.notices.permissions import allow
from zutuan.notices.services import MAIL_TOPIC, TOPIC, deliver

FEATURE = Feature(
    name="notices",
    pages=(blueprint,),
    api=(api, choices_api, groups_api),
    permissions=allow,
    succession=merging.SUCCESSION,
    handlers={TOPIC: deliver},
    errands={MAIL_TOPIC: post.send_notice, post.DIGEST_TOPIC: post.send_digest, groups.TOPIC: groups.send_to_group},
    periodic=(post.Digests,),
    policies=(post.DIGEST_HOUR,),
    people=merging.HOOK,
)
