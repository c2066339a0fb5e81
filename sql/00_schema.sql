-- Everything that holds or shows data lives in a schema of our own. Plain CREATE: whoever made one before us does not own it.
CREATE SCHEMA dialfire;
COMMENT ON SCHEMA dialfire IS 'calls of call-centre vendors: tables, ledger and views of dialfire_sync';

-- The scripts after this one set search_path to what cannot be written to, and back: an operator or a function of the schema that
-- the extension is installed into could fit better than the server's own. `make test-spot` tells which script needs it.
