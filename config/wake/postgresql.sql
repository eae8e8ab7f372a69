-- What lets a one-stop on PostgreSQL wake syncd (source.wake = "syncd"): a word on a channel with each commit that touches
-- dossiers or steps. Without it syncd looks at every source.poll, as it does with it.
--
-- Run by the one-stop's administrator, who owns the tables; syncd's own account needs nothing but its SELECT, for anybody may
-- LISTEN. The tables below are those of OpenCPS: behind the views of source.mapping = "views" put your own. The word carries nothing,
-- and however many rows and statements a transaction has, it says it once, when it commits.
--
-- Know before you run it: transactions that notify commit one after another, which is no matter below some hundreds a second; a
-- transaction prepared in two phases (XA) may not notify; syncd must be connected to the server itself, not to a standby, nor through
-- a pool that lends connections by the transaction (pgbouncer). To take it back: DROP FUNCTION syncd_wake() CASCADE.

CREATE FUNCTION syncd_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('syncd', '');  -- the channel: source.wake
    RETURN NULL;
END
$$;

CREATE TRIGGER syncd_wake AFTER INSERT OR UPDATE ON opencps_dossier FOR EACH STATEMENT EXECUTE FUNCTION syncd_wake();
CREATE TRIGGER syncd_wake AFTER INSERT OR UPDATE ON opencps_dossieraction FOR EACH STATEMENT EXECUTE FUNCTION syncd_wake();
