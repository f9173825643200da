-- An application's secret, sealed, beside the hash that it is checked by. Those made before have none until it is rotated.
ALTER TABLE clients ADD COLUMN secret BLOB;
