-- Everything that holds or shows data lives in a schema of our own. Plain CREATE: whoever made one before us does not own it.
CREATE SCHEMA dialfire;
COMMENT ON SCHEMA dialfire IS 'calls of call-centre vendors: tables, ledger and views of dialfire_sync';
