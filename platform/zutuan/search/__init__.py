"""One search over everything shared."""
