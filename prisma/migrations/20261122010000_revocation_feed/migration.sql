-- Whoever writes a revocation, the command line and a person with psql included, tells every listening
-- instance in the same transaction: the notice goes out with the commit, or not at all. It names the
-- schema only, so that many entries of one transaction are one notice; what was written is in the table.
CREATE FUNCTION "revocation_notify"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A statement that found nothing to end has nothing to tell.
  IF EXISTS (SELECT 1 FROM "added") THEN
    PERFORM pg_notify('latchkey_revocation', TG_TABLE_SCHEMA);
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER "revocation_notify" AFTER INSERT ON "revocation"
  REFERENCING NEW TABLE AS "added"
  FOR EACH STATEMENT EXECUTE FUNCTION "revocation_notify"();
