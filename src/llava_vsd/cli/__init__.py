"""One file a command, thin: parse, call, print."""

from llava_vsd.cli.app import main

__all__ = ["main"]
