"""Measurements that several benchmarks share: processes, round trips, distances of surfaces."""
