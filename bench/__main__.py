"""`python -m bench` is the benchmarks' command."""

from bench.cli.main import main

if __name__ == "__main__":
    main()
