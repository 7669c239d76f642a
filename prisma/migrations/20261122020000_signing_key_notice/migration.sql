-- Whoever changes the signing keys, by whatever way, tells every listening instance with the commit, so that a
-- key that is retired in an emergency is refused everywhere at once. The notice names the schema only; what
-- changed is in the table.
CREATE FUNCTION "signing_key_notify"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('latchkey_signing_key', TG_TABLE_SCHEMA);
  RETURN NULL;
END
$$;

CREATE TRIGGER "signing_key_notify" AFTER INSERT OR UPDATE OR DELETE ON "signing_key"
  FOR EACH STATEMENT EXECUTE FUNCTION "signing_key_notify"();
