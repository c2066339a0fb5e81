-- The KPIs of all campaigns on a day. Parameter: the_date.
SELECT *
FROM dialfire.campaign_daily
WHERE day = :the_date
ORDER BY tenant, title;
