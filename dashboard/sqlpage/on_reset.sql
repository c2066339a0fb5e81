-- Whoever asks next on this connection begins as nobody. Where this fails, SQLPage closes the connection.
ROLLBACK;
RESET ROLE;
SELECT current_user = session_user AS is_healthy;
