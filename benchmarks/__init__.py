"""Benchmarks: ``python -m benchmarks``. Each number stands beside a floor or a peer that was measured in the same run.

A benchmark is a module with ``measure(context) -> list[Row]``; its docstring is the text above its table. What is
compared is measured in turns (ours, floor, peer, ours, …), so that a slow moment of the machine meets all alike, and
the median of the turns is reported. Peers live in environments of their own, which :mod:`benchmarks.environments`
makes under ``.cache``.
"""
