"""Run `python -m serving`: see serving/cli/app.py."""

from serving.cli.app import main

if __name__ == "__main__":
    main()
