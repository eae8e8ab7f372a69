"""The parts of the connector to Tân Dân's document axis; `connectors.tdoffice` says which does what."""
