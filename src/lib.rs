//! dialfire_sync: calls of call-centre vendors, fetched, proven complete and kept fresh inside PostgreSQL.

pgrx::pg_module_magic!();
