-- What a sync does that finds 1,000 calls of three days changed: the rows, and the rollup of their days.
UPDATE dialfire.transactions SET wrapup_time_sec = COALESCE(wrapup_time_sec, 0) + 1, changed_at = now()
WHERE (tenant, id) IN (SELECT tenant, id FROM dialfire.transactions
                       WHERE tenant = 'acme' AND day BETWEEN '2026-10-27' AND '2026-10-29' LIMIT 1000);
SELECT dialfire.keep_stats('acme', '{2026-10-27,2026-10-28,2026-10-29}');
