-- What a user types after installing, against the simulated vendor at :base_url.
CREATE EXTENSION IF NOT EXISTS dialfire_sync;
