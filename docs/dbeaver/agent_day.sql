-- What did an agent do on a day? Parameters: the_date, agent_login.
SELECT *
FROM dialfire.agent_data
WHERE transactions_fired_date = :the_date
  AND transactions_user_login = :agent_login
ORDER BY transactions_fired DESC
LIMIT 100;
