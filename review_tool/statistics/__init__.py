"""Counting and disclosure control: arithmetic on its arguments, no database, no key, no terminal."""
