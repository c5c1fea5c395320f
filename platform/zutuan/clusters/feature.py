from zutuan.feature import Feature

FEATURE = Feature(name="clusters")
