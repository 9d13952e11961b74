"""The measures of docs/metrics.md as pure functions: arrays in, numbers out, numpy only.

A threshold always accepts a score that is equal to it (`score >= threshold`), a higher score is
always more alike, and a rate that has nothing to divide by is `None`, never 0, 1 or NaN.
"""
