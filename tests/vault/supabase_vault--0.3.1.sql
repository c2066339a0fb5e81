-- Names, columns, arguments and rights as in Supabase Vault 0.3.1; what is enciphered there is only written backwards here.
CREATE TABLE vault.secrets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text,
    description text NOT NULL DEFAULT '',
    secret text NOT NULL,
    key_id uuid,
    nonce bytea,
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX ON vault.secrets (name) WHERE name IS NOT NULL;

CREATE FUNCTION vault._crypto_aead_det_decrypt(
    message bytea, additional bytea, key_id bigint, context bytea DEFAULT 'pgsodium', nonce bytea DEFAULT NULL
) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT convert_to(reverse(convert_from(message, 'utf8')), 'utf8') $$;

CREATE VIEW vault.decrypted_secrets AS
SELECT id, name, description, secret,
    convert_from(vault._crypto_aead_det_decrypt(decode(secret, 'base64'), convert_to(id::text, 'utf8'), 0), 'utf8')
        AS decrypted_secret,
    key_id, nonce, created_at, updated_at
FROM vault.secrets;

CREATE FUNCTION vault.create_secret(
    new_secret text, new_name text DEFAULT NULL, new_description text DEFAULT '', new_key_id uuid DEFAULT NULL
) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    INSERT INTO vault.secrets (secret, name, description)
    VALUES (pg_catalog.encode(pg_catalog.convert_to(pg_catalog.reverse(new_secret), 'utf8'), 'base64'), new_name, new_description)
    RETURNING id
$$;

CREATE FUNCTION vault.update_secret(
    secret_id uuid, new_secret text DEFAULT NULL, new_name text DEFAULT NULL, new_description text DEFAULT NULL,
    new_key_id uuid DEFAULT NULL
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    UPDATE vault.secrets SET
        secret = COALESCE(pg_catalog.encode(pg_catalog.convert_to(pg_catalog.reverse(new_secret), 'utf8'), 'base64'), secret),
        name = COALESCE(new_name, name),
        description = COALESCE(new_description, description),
        updated_at = pg_catalog.now()
    WHERE id = secret_id
$$;

REVOKE ALL ON FUNCTION vault._crypto_aead_det_decrypt, vault.create_secret, vault.update_secret FROM PUBLIC;
