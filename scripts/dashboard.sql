-- What the dashboard shows in the demo: two tenants, who sees which, and jobs that keep them up to date.
SET client_min_messages = warning;
CREATE EXTENSION dialfire_sync;
SELECT :'base_url' || '/api' AS dialfire, :'base_url' || '/highlevel' AS highlevel \gset
CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'dialfire', account '9c6d0163', timezone 'Europe/Nicosia', base_url :'dialfire');
CREATE SERVER clinic FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'highlevel', account 'B7TzvBb6H6QvDNdEEhlt', timezone 'America/New_York', base_url :'highlevel');
-- Roles outlive the database.
SELECT format('CREATE ROLE %I %s', name, options)
FROM (VALUES ('dashboard', 'LOGIN NOINHERIT'), ('anna', 'NOLOGIN'), ('ben', 'NOLOGIN')) AS v(name, options)
WHERE to_regrole(name) IS NULL \gexec
CREATE USER MAPPING FOR PUBLIC SERVER acme OPTIONS (token 'tenant-secret-token');
CREATE USER MAPPING FOR PUBLIC SERVER clinic OPTIONS (token 'pit-secret-token');
CALL df_grant('acme', 'anna');
CALL df_grant('clinic', 'ben');
CALL df_dashboard_login('dashboard');
SELECT df_sync('acme'), df_sync('clinic');
SELECT df_schedule('acme', every => '1 minute'), df_schedule('clinic', every => '1 minute');
SELECT df_refresh(force => true);
