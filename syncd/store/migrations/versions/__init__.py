"""One file a step of the schema, oldest first; a file is never changed once released."""
