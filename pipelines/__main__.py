"""`python -m pipelines`: the one command."""

from pipelines.cli.app import main

if __name__ == "__main__":
    main()
