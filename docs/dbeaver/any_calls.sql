-- Is there anything of a day? Parameter: the_date, a day in the tenant's time zone.
SELECT tenant, count(*) AS transactions, min(fired) AS first, max(fired) AS last
FROM dialfire.transactions
WHERE day = :the_date
GROUP BY tenant
ORDER BY tenant;
