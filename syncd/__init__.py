"""syncd keeps the national portal and its neighbours equal to a province's one-stop database."""

__version__ = "0.1.0"
