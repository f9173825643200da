-- The partner event sources of AWS that are wanted, because their stream exists, or are not any more. `asked`: AWS was asked
-- to make it, or is about to be; `settled`: AWS has said that it is as wanted.
CREATE TABLE partner_event_sources (
  stream_id TEXT    PRIMARY KEY,
  name      TEXT    NOT NULL,
  account   TEXT    NOT NULL,
  region    TEXT    NOT NULL,
  wanted    INTEGER NOT NULL,
  asked     INTEGER NOT NULL DEFAULT 0,
  settled   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX partner_event_sources_unsettled ON partner_event_sources (stream_id) WHERE settled = 0;
INSERT INTO partner_event_sources (stream_id, name, account, region, wanted)
  SELECT stream_id, destination ->> '$.partner_event_source', destination ->> '$.account', destination ->> '$.region', 1
  FROM streams WHERE destination ->> '$.type' = 'eventbridge';
