"""`python -m bench` is the benchmarks' command."""

from bench.cli import main

if __name__ == "__main__":
    main()
