-- A tenant with three days of calls.
CREATE EXTENSION dialfire_sync;
CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'dialfire', account '9c6d0163', timezone 'Europe/Nicosia', base_url :'base_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token 'tenant-secret-token');
SELECT df_sync('acme', 'last 3 days');
SELECT df_refresh();
