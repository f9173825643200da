-- Failed deliveries are found by what their events are without reading the log; `job_id` is the job that asked for the
-- redelivery.
ALTER TABLE failures ADD COLUMN event_type TEXT NOT NULL DEFAULT '';
ALTER TABLE failures ADD COLUMN event_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE failures ADD COLUMN job_id TEXT;
UPDATE failures SET event_type = l.event_type, event_time = l.time FROM log l WHERE l.seq = failures.seq;
CREATE INDEX failures_to_find ON failures (stream_id, seq, event_type, event_time, redelivery_requested_at);
CREATE INDEX failures_of_job ON failures (job_id) WHERE job_id IS NOT NULL;

-- Events to be delivered to a stream out of turn: what it has missed, as far as a job has come with it, and test events.
-- A row goes when its event has been delivered, or has become a failed delivery.
CREATE TABLE out_of_turn (
  stream_id TEXT    NOT NULL REFERENCES streams (stream_id) ON DELETE CASCADE,
  seq       INTEGER NOT NULL,
  job_id    TEXT,
  PRIMARY KEY (stream_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX out_of_turn_of_job ON out_of_turn (job_id) WHERE job_id IS NOT NULL;

-- Redelivery jobs. Of the failed deliveries below `until_seq`, those below `next_seq` have been looked at. A job of
-- missed events has `ranges` instead: positions, from and until; `taken_over` says that they are missed no more.
CREATE TABLE redelivery_jobs (
  job_id      TEXT    PRIMARY KEY,
  stream_id   TEXT    NOT NULL REFERENCES streams (stream_id) ON DELETE CASCADE,
  tenant_id   INTEGER NOT NULL,
  status      TEXT    NOT NULL CHECK (status IN ('running', 'paused', 'canceled', 'completed')),
  started_by  TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  date_from   INTEGER,
  date_to     INTEGER,
  event_types TEXT,
  rate_per_s  INTEGER,
  ranges      TEXT,
  taken_over  INTEGER NOT NULL,
  next_seq    INTEGER NOT NULL,
  until_seq   INTEGER NOT NULL,
  looked_at   INTEGER NOT NULL,
  total       INTEGER,
  redelivered INTEGER NOT NULL DEFAULT 0,
  failed      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX redelivery_jobs_by_stream ON redelivery_jobs (stream_id, job_id);
CREATE INDEX redelivery_jobs_running ON redelivery_jobs (job_id) WHERE status = 'running';

-- How many deliveries have ended, by stream and time: `start` is the beginning of a stretch of `width` milliseconds, a
-- minute or, for what is older, an hour. `durations` counts the attempts that delivered, by class.
CREATE TABLE delivery_counts (
  stream_id TEXT    NOT NULL REFERENCES streams (stream_id) ON DELETE CASCADE,
  width     INTEGER NOT NULL,
  start     INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  failed    INTEGER NOT NULL,
  durations TEXT    NOT NULL,
  PRIMARY KEY (stream_id, width, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_counts_by_age ON delivery_counts (width, start);
