-- What the story finds: the tables of the vendor's own client, and the views that people look at. No extension.
SET client_min_messages = warning;
CREATE EXTENSION dialfire_sync;
CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'dialfire', account '9c6d0163', timezone 'Europe/Nicosia', base_url :'base_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token 'tenant-secret-token');
\ir dbsync.sql
CREATE VIEW agent_calls AS
SELECT left(t.fired, 10) AS day, t.id AS call_id, t."user_loginName" AS agent, t."isHI" AS by_person, c.id AS leg_id,
       c.result, c.duration AS ms, r.location AS recording, co.firma
FROM transactions t
JOIN connections c ON c.transaction_id = t.id
JOIN recordings r ON r.connection_id = c.id
JOIN contacts co ON co."$id" = r.contact_id;
CREATE VIEW calls_per_day AS
SELECT day, count(DISTINCT call_id) AS calls, count(DISTINCT call_id) FILTER (WHERE result = 'connect') AS answered,
       round(count(DISTINCT call_id) FILTER (WHERE result = 'connect')::numeric
             / NULLIF(count(DISTINCT call_id) FILTER (WHERE leg_id IS NOT NULL), 0), 2) AS reach,
       count(DISTINCT call_id) FILTER (WHERE by_person AND agent IS NULL) AS without_login
FROM agent_calls GROUP BY day;
DROP EXTENSION dialfire_sync CASCADE;
