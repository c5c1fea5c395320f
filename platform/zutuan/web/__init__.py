"""The shell of pages and API: sessions, problems, paging, templates, static files."""
