-- Two tenants of two people, a receiver of webhooks, and somebody without a tenant. Yesterday was not fetched: the vendor broke.
SET client_min_messages = warning;
CREATE EXTENSION dialfire_sync;
SELECT :'base_url' || '/api' AS dialfire, :'base_url' || '/highlevel' AS highlevel, :'base_url' || '/api/vapi' AS vapi \gset
SELECT (now() AT TIME ZONE 'Europe/Nicosia')::date - 4 AS start \gset
CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'dialfire', account '9c6d0163', timezone 'Europe/Nicosia', start_date :'start', base_url :'dialfire', attempts '1');
CREATE SERVER clinic FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'highlevel', account 'B7TzvBb6H6QvDNdEEhlt', timezone 'America/New_York', base_url :'highlevel');
CREATE SERVER voice FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'vapi', account '46cf2995-2bee-44e3-838b-24151486fe4e', timezone 'UTC', base_url :'vapi');
CREATE ROLE dashboard LOGIN NOINHERIT;
CREATE ROLE anna;
CREATE ROLE ben;
CREATE ROLE cleo;
CREATE ROLE lock;
CREATE ROLE webhooks;
CREATE USER MAPPING FOR PUBLIC SERVER acme OPTIONS (token 'tenant-secret-token');
CREATE USER MAPPING FOR PUBLIC SERVER clinic OPTIONS (token 'pit-secret-token');
CREATE USER MAPPING FOR PUBLIC SERVER voice OPTIONS (token 'tenant-secret-token', webhook_secret 'webhook-secret');
CALL df_grant('acme', 'anna');
CALL df_grant('clinic', 'ben');
CALL df_grant('voice', 'webhooks');
GRANT USAGE ON FOREIGN SERVER voice TO anna;
CALL df_dashboard_login('dashboard');
