SET client_min_messages = error;
SET TIME ZONE 'UTC';
SET search_path = public, pg_temp;
SET application_name = 'dialfire_sync dashboard';
-- What is asked here takes less time than compiling it would.
SET jit = off;
-- A filter that is not given costs nothing in a plan that knows it.
SET plan_cache_mode = force_custom_plan;
