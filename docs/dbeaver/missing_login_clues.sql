-- Events without a login, with what else is known of their author. Parameter: the_date.
SELECT t.id, t.contact_id, t.event_type, t.is_human, t.user_id, c.user_id AS connection_user_id, a.login AS known_login, t.actor
FROM dialfire.transactions t
LEFT JOIN dialfire.connections c ON c.tenant = t.tenant AND c.transaction_id = t.id
LEFT JOIN dialfire.agents a ON a.tenant = t.tenant AND a.id = COALESCE(t.user_id, c.user_id)
WHERE t.day = :the_date
  AND t.user_login IS NULL
ORDER BY t.is_human DESC, t.fired, t.id
LIMIT 50;
