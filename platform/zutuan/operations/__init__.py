"""Running it for real: backups, checks, metrics, access logs."""
