"""Adapters between syncd and the systems around it; each sees of the engine only its values, ports and pure tools."""
