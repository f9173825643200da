-- The secrets among a stream's options (the member `headwater`), sealed together as one JSON text for
-- `streams/ID/options`; NULL where there are none.
ALTER TABLE streams ADD COLUMN options_secret BLOB;
