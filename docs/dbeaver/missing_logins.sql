-- Whose login is missing on a day? Events of machines have none by right. Parameter: the_date.
SELECT tenant,
       count(*) FILTER (WHERE is_human AND agent_login IS NULL) AS missing_login,
       count(*) FILTER (WHERE NOT is_human AND agent_login IS NULL) AS machines,
       count(*) AS calls
FROM dialfire.calls
WHERE day = :the_date
GROUP BY tenant
ORDER BY tenant;
