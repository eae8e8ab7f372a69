"""HTTP for connectors: `calls` makes them, `wire` carries them, `outcomes` says what an answer or its absence means."""
