-- A snapshot tells of more than users: of each kind, the rows with numbers up to `told` have been told of, those up to
-- `last` are to be; and of those, the ones in `snapshot_told` have been told of before their turn. Kind 0 are users; the
-- others are in `snapshots/kinds.rs`.
CREATE TABLE snapshot_kinds (
  stream_id TEXT    NOT NULL REFERENCES snapshots (stream_id) ON DELETE CASCADE,
  kind      INTEGER NOT NULL,
  told      INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  PRIMARY KEY (stream_id, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO snapshot_kinds SELECT stream_id, 0, told, last FROM snapshots;

CREATE TABLE snapshot_told (
  stream_id TEXT    NOT NULL,
  kind      INTEGER NOT NULL,
  number    INTEGER NOT NULL,
  PRIMARY KEY (stream_id, kind, number),
  FOREIGN KEY (stream_id, kind) REFERENCES snapshot_kinds (stream_id, kind) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO snapshot_told SELECT stream_id, 0, number FROM snapshot_users;

DROP TABLE snapshot_users;
ALTER TABLE snapshots DROP COLUMN told;
ALTER TABLE snapshots DROP COLUMN last;
