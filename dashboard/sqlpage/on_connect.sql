SET client_min_messages = error;
SET TIME ZONE 'UTC';
SET search_path = public, pg_temp;
SET application_name = 'dialfire_sync dashboard';
