"""Papers: PDFs that are believed, because anybody can ask the platform whether they stand."""
