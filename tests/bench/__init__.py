"""The benchmarks of `make bench`: each against a reference measured in the same run, printed as ratios.

Machines are noisy, so no figure here is a pass or a failure, and only ratios are meant to be quoted.
"""
