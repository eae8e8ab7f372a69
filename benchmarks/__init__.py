"""What syncd costs and how it grows, always beside something else that ran in the same call: `python -m benchmarks`."""
