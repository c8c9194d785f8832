"""Long tests that a release must have passed once; `python -m tests.hardening --part 1/8` runs an eighth of them."""
