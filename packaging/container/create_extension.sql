CREATE EXTENSION dialfire_sync;
