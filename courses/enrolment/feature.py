from zutuan.feature import Feature

from courses.enrolment import models as models

FEATURE = Feature(name="enrolment")
