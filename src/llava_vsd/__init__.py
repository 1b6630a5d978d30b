"""Visual spatial description: data, answers and scores."""

__version__ = "0.1.0"
