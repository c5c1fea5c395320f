"""Files: one small storage interface (a directory or S3), what is kept about each file, and resumable uploads."""
