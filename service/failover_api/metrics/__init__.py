"""What Prometheus is told: counted as it happens, or as it stands when it asks.

    counters      counts moves and requests to GitHub as they happen
    gauges        what is so now: sides, pull requests, limits, catalog
    exposition    the text

A label holds names of the catalog and words of ours, never what a caller sent: the number of series is bounded.
"""
