-- What there is of a connection besides its name, strategy and applications: `settings` is NULL where nothing was
-- said, `options` is sealed as a whole and NULL where there are none.
ALTER TABLE connections ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN settings TEXT;
ALTER TABLE connections ADD COLUMN options BLOB;
CREATE INDEX connections_by_age ON connections (tenant_id, created_at, connection_id);
