SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/text.sql') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('sqlpage/api.sql') AS properties;
SET nothing = (SELECT CASE $format WHEN 'csv' THEN '""' END);
SET formula = (SELECT sqlpage.run_sql('sqlpage/csv.sql', json_object('format', $format))::json -> 0 ->> 'formula');
SET most = (SELECT CASE WHEN $format = 'csv' OR $limit = 'all' THEN NULL WHEN $limit ~ '^\d{1,6}$' THEN $limit ELSE '100' END);
SET tenant = (SELECT dialfire.tenant_or_first($tenant));
SET zone = (SELECT timezone FROM dialfire.tenants WHERE tenant = $tenant);
SET from = (SELECT CASE WHEN $from ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$' THEN ((left($from, 7) || '-01')::date + right($from, 2)::int - 1)::text ELSE ((now() AT TIME ZONE $zone)::date - 6)::text END);
SET to = (SELECT CASE WHEN $to ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$' THEN ((left($to, 7) || '-01')::date + right($to, 2)::int - 1)::text ELSE (now() AT TIME ZONE $zone)::date::text END);
SET before = (SELECT CASE WHEN $before ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(\+00(:00)?|Z)$'
    THEN (((left($before, 7) || '-01')::date + substr($before, 9, 2)::int - 1 + substring($before FROM '[T ]([0-9:.]+)')::time) AT TIME ZONE 'UTC')::text END);
SET until = (SELECT COALESCE(($before::timestamptz AT TIME ZONE $zone)::date, $to::date)::text);
SELECT CASE $format WHEN 'csv' THEN 'csv' ELSE 'json' END AS component, 'calls' AS filename;
-- Day by day, the newest first: a day that is not needed is not read, and nothing is sorted that is longer than a day.
-- OFFSET 0 keeps the cast out of the join: row security lets only what cannot leak find rows by an index.
SELECT COALESCE(to_jsonb(regexp_replace(c.tenant, $formula, '''')), $nothing::jsonb) AS tenant, COALESCE(to_jsonb(c.vendor), $nothing::jsonb) AS vendor,
       COALESCE(to_jsonb(regexp_replace(c.call_id, $formula, '''')), $nothing::jsonb) AS call_id, COALESCE(to_jsonb(c.started_at), $nothing::jsonb) AS started_at,
       COALESCE(to_jsonb(c.ended_at), $nothing::jsonb) AS ended_at, COALESCE(to_jsonb(c.status), $nothing::jsonb) AS status,
       COALESCE(to_jsonb(regexp_replace(c.vendor_status, $formula, '''')), $nothing::jsonb) AS vendor_status,
       COALESCE(to_jsonb(c.direction), $nothing::jsonb) AS direction, COALESCE(to_jsonb(c.is_test), $nothing::jsonb) AS is_test,
       COALESCE(to_jsonb(regexp_replace(c.agent_login, $formula, '''')), $nothing::jsonb) AS agent_login,
       COALESCE(to_jsonb(regexp_replace(c.contact_id, $formula, '''')), $nothing::jsonb) AS contact_id,
       COALESCE(to_jsonb(regexp_replace(c.campaign_id, $formula, '''')), $nothing::jsonb) AS campaign_id,
       COALESCE(to_jsonb(regexp_replace(c.campaign_title, $formula, '''')), $nothing::jsonb) AS campaign_title,
       COALESCE(to_jsonb(c.fired_at), $nothing::jsonb) AS fired_at, COALESCE(to_jsonb(c.day), $nothing::jsonb) AS day,
       COALESCE(to_jsonb(regexp_replace(c.phone, $formula, '''')), $nothing::jsonb) AS phone, COALESCE(to_jsonb(regexp_replace(c.line_number, $formula, '''')), $nothing::jsonb) AS line_number,
       COALESCE(to_jsonb(c.duration_ms), $nothing::jsonb) AS duration_ms, COALESCE(to_jsonb(c.talk_ms), $nothing::jsonb) AS talk_ms,
       COALESCE(to_jsonb(c.ring_ms), $nothing::jsonb) AS ring_ms, COALESCE(to_jsonb(regexp_replace(c.disposition, $formula, '''')), $nothing::jsonb) AS disposition,
       COALESCE(to_jsonb(c.counts), $nothing::jsonb) AS counts, COALESCE(to_jsonb(regexp_replace(c.skip_reason, $formula, '''')), $nothing::jsonb) AS skip_reason,
       COALESCE(to_jsonb(regexp_replace(c.recording_location, $formula, '''')), $nothing::jsonb) AS recording_location
FROM (
    SELECT c.* FROM (SELECT at::date AS day FROM generate_series($until::date, $from::date, interval '-1 day') AS at OFFSET 0) d
    CROSS JOIN LATERAL (
        SELECT * FROM dialfire.calls c
        WHERE c.tenant = $tenant AND c.day = d.day
          AND c.fired_at >= $from::timestamp AT TIME ZONE $zone AND c.fired_at < ($to::timestamp + interval '1 day') AT TIME ZONE $zone
          AND (COALESCE($status, '') = '' OR c.status = $status) AND (COALESCE($agent, '') = '' OR c.agent_login = $agent)
          AND (COALESCE($campaign, '') = '' OR c.campaign_id = $campaign)
          AND CASE $test WHEN 'too' THEN true WHEN 'only' THEN c.is_test ELSE NOT c.is_test END
          AND (COALESCE($search, '') = '' OR strpos(lower(concat_ws(' ', c.phone, c.line_number, c.agent_login, c.contact_id, c.call_id)), lower($search)) > 0
               OR $search ~ '^[0-9 +./()-]+$' AND length(regexp_replace($search, '[^0-9]|^0+', '', 'g')) >= 4
                  AND strpos(regexp_replace(c.phone, '[^0-9]', '', 'g'), regexp_replace($search, '[^0-9]|^0+', '', 'g')) > 0)
          AND ($before IS NULL OR (c.fired_at, c.call_id) < ($before::timestamptz, $before_id))
        ORDER BY c.fired_at DESC, c.call_id DESC LIMIT $most::bigint) c
    LIMIT $most::bigint
) c;
