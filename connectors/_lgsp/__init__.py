"""The parts of the LGSP connector; `connectors.lgsp` says which does what."""
