"""Tests that mirror the packages, the demo, the benchmarks and the long tests."""
