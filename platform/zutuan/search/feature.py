from zutuan.feature import Feature

FEATURE = Feature(name="search")
