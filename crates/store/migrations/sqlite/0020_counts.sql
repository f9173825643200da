-- What is counted of a stream in a stretch of time besides the deliveries that have ended: attempts that failed, by class;
-- how long the oldest event had waited at worst (milliseconds); and, as it was last looked at, how many positions of the
-- log were ahead of it, and how many events it had come to that had not ended. NULL where nobody has looked. A `width`
-- may be a day, too.
ALTER TABLE delivery_counts ADD COLUMN attempts_failed TEXT NOT NULL DEFAULT '[0,0,0,0,0]';
ALTER TABLE delivery_counts ADD COLUMN lag_ms INTEGER;
ALTER TABLE delivery_counts ADD COLUMN behind INTEGER;
ALTER TABLE delivery_counts ADD COLUMN waiting INTEGER;

-- The same for all streams of a tenant together, those that were removed since too, and how many events were raised.
CREATE TABLE tenant_counts (
  tenant_id       INTEGER NOT NULL REFERENCES tenants (id),
  width           INTEGER NOT NULL,
  start           INTEGER NOT NULL,
  raised          INTEGER NOT NULL,
  delivered       INTEGER NOT NULL,
  failed          INTEGER NOT NULL,
  durations       TEXT    NOT NULL,
  attempts_failed TEXT    NOT NULL,
  PRIMARY KEY (tenant_id, width, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenant_counts_by_age ON tenant_counts (width, start);

-- Events at positions below `counted` are in `tenant_counts`. Those that the log holds by now never are.
ALTER TABLE head ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
UPDATE head SET counted = (SELECT coalesce(max(seq), 0) + 1 FROM log);

-- So that a list of streams says how each of them is without looking at its failures.
ALTER TABLE cursors ADD COLUMN failures_outstanding INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cursors ADD COLUMN last_delivered_at INTEGER;
UPDATE cursors SET failures_outstanding = (SELECT count(*) FROM failures f WHERE f.stream_id = cursors.stream_id);

-- When streams were enabled and disabled: what they did not deliver meanwhile is a gap, not a calm. `reason` is the
-- server's, where that has disabled a stream.
CREATE TABLE stream_statuses (
  stream_id TEXT    NOT NULL REFERENCES streams (stream_id) ON DELETE CASCADE,
  since     INTEGER NOT NULL,
  status    TEXT    NOT NULL,
  reason    TEXT,
  PRIMARY KEY (stream_id, since)
) STRICT, WITHOUT ROWID;
INSERT INTO stream_statuses
  SELECT stream_id, CASE status WHEN 'enabled' THEN created_at ELSE updated_at END, status, disabled_reason FROM streams;
CREATE TRIGGER stream_statuses_of_new AFTER INSERT ON streams BEGIN
  INSERT OR REPLACE INTO stream_statuses VALUES (NEW.stream_id, NEW.created_at, NEW.status, NEW.disabled_reason);
END;
CREATE TRIGGER stream_statuses_of_changed AFTER UPDATE OF status ON streams WHEN OLD.status <> NEW.status BEGIN
  INSERT OR REPLACE INTO stream_statuses VALUES (NEW.stream_id, NEW.updated_at, NEW.status, NEW.disabled_reason);
END;
