-- Calls that the vendor has deleted.
ALTER TABLE dialfire.voice_calls ADD COLUMN gone_at timestamptz;
COMMENT ON COLUMN dialfire.voice_calls.gone_at IS 'when df_repair was told by the vendor that it has no such call any more (UTC instant); it stays, and does not count';
