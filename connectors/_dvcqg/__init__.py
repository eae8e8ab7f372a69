"""The parts of the national portal connector; `connectors.dvcqg` says which does what."""
