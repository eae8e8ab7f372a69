"""Mapping files: what becomes of each field of a dossier on its way from the one-stop to a target. Data, no code."""
