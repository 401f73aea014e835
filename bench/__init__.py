"""Benchmarks: what a promote costs, in requests, round trips, CPU and memory, and against the ways that clone.

    run         the script that `make bench` starts; the same as `python -m bench`
    figures/    what is measured, a module for each subject
    rig/        what it is measured with: sandbox, delay, repositories, git servers, report
    RESULTS.md  what the last whole run measured

Nothing leaves the machine: every server listens on 127.0.0.1.
"""
