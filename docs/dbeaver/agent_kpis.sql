-- The KPIs of an agent, day by day. Parameters: agent_login, from_date, to_date (both included).
SELECT *
FROM dialfire.agent_daily
WHERE agent_login = :agent_login
  AND day BETWEEN :from_date AND :to_date
ORDER BY tenant, day;
