-- What a database holds that used an old version: calls, a schedule, words and thresholds of one's own, a hardened view.
CREATE SERVER acme FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'dialfire', account '9c6d0163', timezone 'Europe/Nicosia', base_url :'base_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (token 'tenant-secret-token');
CREATE SERVER voice FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'highlevel', account 'B7TzvBb6H6QvDNdEEhlt', timezone 'Europe/Nicosia', base_url :'highlevel_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER voice OPTIONS (token 'pit-secret-token');
SELECT status, inserted > 0 AS some FROM df_sync('acme', 'last 3 days');
SELECT status, inserted > 0 AS some FROM df_sync('voice', 'last 3 days');
SELECT count(*) > 0 AS some FROM df_refresh(force => true);
INSERT INTO dialfire.call_statuses (vendor, vendor_status, status) VALUES ('dialfire', 'a word of our own', 'completed');
SELECT df_alert_threshold('acme', 'stale_sync', 2.5);
CREATE ROLE upgrade_reader;
CALL df_grant('acme', 'upgrade_reader');
CREATE VIEW public.by_agent AS SELECT agent_login, count(*) AS calls FROM dialfire.calls GROUP BY 1;
CREATE VIEW public.with_contact AS
    SELECT t.id, c.phone FROM dialfire.transactions t JOIN dialfire.contacts c ON c.tenant = t.tenant AND c.id = t.contact_id;
SELECT count(*) > 0 AS some FROM df_harden_view('public.with_contact', apply => true);
SELECT count(*) > 0 AS some FROM df_schedule('acme', every => '1 day');
-- The worker does its jobs at once, and then none for the time of the test.
DO $$
BEGIN
    FOR tenth IN 1..600 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM dialfire.schedules WHERE last_finished IS NULL);
        PERFORM pg_catalog.pg_sleep(0.1);
        COMMIT;
    END LOOP;
END $$;
