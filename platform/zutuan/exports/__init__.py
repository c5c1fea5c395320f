"""导出格式: the column orders in which a school wants its tables, and the kinds of table that features have."""
