"""The exit codes of every command, as scripts and service managers see them."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
DRIFT: Final = 3
NOT_FOUND: Final = 4
CONFIGURATION: Final = 78
