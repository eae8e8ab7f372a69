"""The parts of the one-stop source; `connectors.onestop` says which does what."""
