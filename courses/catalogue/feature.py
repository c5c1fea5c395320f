from zutuan.feature import Feature

from courses.catalogue import models as models

FEATURE = Feature(name="catalogue")
