"""Effects of damaged and hostile files on the reader, counted; see `bench_robustness.py`."""
