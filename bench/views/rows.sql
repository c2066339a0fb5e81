-- Calls first to last of those from … to (numbers of a tenant's calls), which are spread over 730 days in order of time: 39 %
-- with a leg and 23 % with a recording, as in a real call centre; five calls a contact, 30 agents, each in two campaigns.
CREATE TEMP TABLE call AS
SELECT tenant, timezone, n, at,
       'C' || lpad((n / 5)::text, 14, '0') AS contact_id,
       'K' || CASE WHEN n % 20 = 0 THEN n / 20 % 5 ELSE (n % 30 + n / 30 % 2) % 5 END AS campaign_id,
       CASE WHEN n % 20 > 0 THEN 'U' || n % 30 END AS user_id,
       md5(tenant || n) AS id,
       hashint8(n) AS dice
FROM dialfire.tenants,
     LATERAL (SELECT n, timestamptz '2024-11-01 08:00+00' + ((n - :from) * 730::bigint / (:to - :from + 1)) * interval '1 day'
                        + (hashint8(n + 7) & 65535) * interval '0.5 seconds' AS at
              FROM generate_series(:first, :last) AS n) s
ORDER BY at, tenant;

INSERT INTO dialfire.contacts (tenant, id, campaign_id, md5, status, phone, fields)
SELECT DISTINCT ON (tenant, contact_id) tenant, contact_id, campaign_id, md5(contact_id), 'open', '+4930' || n,
       jsonb_build_object('firma', 'Company ' || n, 'notiz', 'called back', 'AP_Nachname', 'Name ' || n)
FROM call ORDER BY tenant, contact_id, at ON CONFLICT DO NOTHING;
INSERT INTO dialfire.transactions (tenant, id, campaign_id, contact_id, fired, day, event_md5, event_type, task, status,
    status_detail, is_human, user_id, user_login, phone, pause_time_sec, edit_time_sec, wrapup_time_sec, wait_time_sec)
SELECT tenant, id, campaign_id, contact_id, at, (at AT TIME ZONE timezone)::date, md5(id), 'dial_result', 'lead_call',
       CASE WHEN dice % 25 = 0 THEN 'success' ELSE 'open' END, '$none', user_id IS NOT NULL, user_id,
       'Agent.' || substr(user_id, 2), '+4930' || n, dice & 15, dice & 255, dice & 31, dice & 63
FROM call;
INSERT INTO dialfire.connections (tenant, id, transaction_id, contact_id, phone, result, initiated, started, connected,
    disconnected, duration_ms, day, recording_id, recording_location)
SELECT tenant, md5('leg' || id), id, contact_id, '4930' || n, CASE WHEN abs(dice) % 100 < 25 THEN 'connect' ELSE 'norespons' END,
       at, at, CASE WHEN abs(dice) % 100 < 25 THEN at + interval '9 s' END, at + interval '9 s' + (dice & 131071) * interval '1 ms',
       CASE WHEN abs(dice) % 100 < 25 THEN dice & 131071 END, (at AT TIME ZONE timezone)::date,
       CASE WHEN abs(dice) % 100 < 23 THEN md5('rec' || id) END,
       CASE WHEN abs(dice) % 100 < 23 THEN 'https://vault.24dial.com/vr/PR_' || id || '.mp3' END
FROM call WHERE abs(dice) % 100 < 39;
INSERT INTO dialfire.recordings (tenant, id, connection_id, transaction_id, contact_id, started, stopped, location, day)
SELECT tenant, md5('rec' || id), md5('leg' || id), id, contact_id, at + interval '9 s',
       at + interval '9 s' + (dice & 131071) * interval '1 ms', 'https://vault.24dial.com/vr/PR_' || id || '.mp3', (at AT TIME ZONE timezone)::date
FROM call WHERE abs(dice) % 100 < 23;
DROP TABLE call;
