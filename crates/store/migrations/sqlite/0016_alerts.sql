-- What has been told of a stream that keeps failing (`AlertState`), and whose events they are in which that is told: the
-- `source` of the events that a tenant raises, as the server last served it.
ALTER TABLE cursors ADD COLUMN alert_state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN source TEXT;
