-- How many calls of some days have a leg and a recording? Parameters: from_date, to_date (both included).
SELECT tenant,
       count(*) AS transactions,
       count(*) FILTER (WHERE connection_id IS NOT NULL) AS with_connection,
       count(*) FILTER (WHERE talk_ms IS NOT NULL) AS answered,
       count(*) FILTER (WHERE recording_location IS NOT NULL) AS with_recording
FROM dialfire.calls
WHERE day BETWEEN :from_date AND :to_date
  AND direction = 'outbound'
GROUP BY tenant
ORDER BY tenant;
