"""The command line, `c360`. Every command teaches itself: `c360 COMMAND --help`."""

from customer360.cli.main import main

__all__ = ["main"]
