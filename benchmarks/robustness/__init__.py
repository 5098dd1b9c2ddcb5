"""What damaged and hostile files do to the reader, counted; see `bench_robustness.py`."""
