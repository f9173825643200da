-- The outbox: what is to be published, written in the transaction of the change that it tells of.
CREATE TABLE headwater_outbox (
  id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type        text        NOT NULL,
  subject     text,
  data        jsonb       NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Why the server refused it; such a row waits for somebody to mend or delete it.
  refused     text
);
CREATE INDEX headwater_outbox_waiting ON headwater_outbox (id) WHERE refused IS NULL;

-- An example of a source: changes of this table are told by a trigger, whoever makes them.
CREATE TABLE customers (
  id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email      text        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION customer_json(customer customers) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'user_id', 'crm|' || customer.id,
    'email', customer.email,
    'created_at', to_char(customer.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'updated_at', to_char(customer.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'identities', jsonb_build_array(jsonb_build_object(
      'connection', 'crm', 'user_id', customer.id::text, 'provider', 'crm', 'isSocial', false)))
$$;

CREATE FUNCTION customers_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO headwater_outbox (type, data)
      VALUES ('user.created', jsonb_build_object('object', customer_json(NEW)));
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO headwater_outbox (type, data)
      VALUES ('user.updated', jsonb_build_object('object', customer_json(NEW)));
  ELSE
    INSERT INTO headwater_outbox (type, data)
      VALUES ('user.deleted', jsonb_build_object('object', customer_json(OLD) || jsonb_build_object(
        'deleted_at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))));
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER customers_tell AFTER INSERT OR UPDATE OR DELETE ON customers
  FOR EACH ROW EXECUTE FUNCTION customers_tell();
