"""The offline side: opens, decides, counts, releases."""
