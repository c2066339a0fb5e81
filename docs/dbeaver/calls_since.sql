-- The calls of a day since an instant. Parameters: tenant, the_date, since (such as '2026-11-05 14:00+02').
SELECT started_at, status, direction, agent_login, phone, talk_ms, campaign_title, disposition
FROM dialfire.calls
WHERE tenant = :tenant
  AND day = :the_date
  AND started_at >= :since
  AND NOT is_test
ORDER BY started_at, call_id
LIMIT 100;
