"""Six pages and a search on both databases with a full platform's data: `make bench`, or `python -m bench`."""
