"""Clusters, as the kernel registers them."""

from flask_babel import lazy_gettext as _l

from zutuan.clusters import demo, notices
from zutuan.clusters import errors as errors
from zutuan.clusters.api import clusters_api, schools_api
from zutuan.clusters.change_pages import blueprint as change_blueprint
from zutuan.clusters.pages import blueprint
from zutuan.clusters.permissions import allow
from zutuan.clusters.succession import SUCCESSION
from zutuan.feature import Feature, NavEntry

FEATURE = Feature(
    name="clusters",
    pages=(blueprint, change_blueprint),
    api=(schools_api, clusters_api),
    permissions=allow,
    nav=(NavEntry("clusters.clusters", _l("组团"), "diagram-3", group="organisation", order=80),),
    succession=SUCCESSION,
    notices=notices.TEXTS,
    notice_kinds=notices.KINDS,
    demo=demo.load,
    demo_order=10,
)
