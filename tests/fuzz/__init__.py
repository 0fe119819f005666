"""Campaigns of wrong input against the command line: `python -m tests.fuzz --help`.

`harness` runs one case in a worker and judges the answer; `campaign` draws cases until the time is up and counts them.
A campaign is a module here with `cases()`, a hypothesis strategy of `Case`, or with `campaign(seconds, seed, keep)` of
its own; its name stands in `CAMPAIGNS`.
"""
