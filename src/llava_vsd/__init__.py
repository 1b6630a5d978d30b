"""Visual spatial description: data, answers and scores."""

from importlib.metadata import version

__version__ = version("llava-vsd")
