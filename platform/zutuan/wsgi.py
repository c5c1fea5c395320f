"""What an HTTP server runs: `zutuan.wsgi:app`."""

from zutuan.app import create_app

app = create_app()
