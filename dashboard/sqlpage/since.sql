-- The first day of the newest calls, where so many are shown and days are counted by what is asked for: what is older need not be read.
SELECT COALESCE((
    SELECT max(day) FROM (
        SELECT day, sum(sum(attempts + inbound)) OVER (ORDER BY day DESC) AS calls FROM dialfire.daily_stats
        WHERE tenant = $tenant AND day BETWEEN $from::date AND $last::date
          AND (COALESCE($agent, '') = '' OR agent_login = $agent) AND (COALESCE($campaign, '') = '' OR campaign_id = $campaign)
        GROUP BY day
    ) d
    WHERE calls >= $most::bigint AND COALESCE($status, '') = '' AND COALESCE($search, '') = '' AND COALESCE($test, '') <> 'only'
), $from::date)::text AS since;
