"""HTTP for connectors: `calls` makes them, `adapter` watches the sockets, `outcomes` says what an answer or its absence means."""
