-- Splits the table "session" into 16 partitions by a hash of its id (docs/scaling.md). For plain PostgreSQL, on an empty
-- database or one in use:
--
--   latchkey migrate
--   PGOPTIONS='-c search_path=latchkey' psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -1 -f scripts/partition-sessions.sql
--
-- `latchkey` is the schema of the tables (docs/migrations.md). Run it as the owner of the table, in one transaction (-1). It locks the table and copies its rows, so requests that
-- need a session get 503 meanwhile, and no session ends. Afterwards give other roles their rights on the table again.
LOCK TABLE "session" IN ACCESS EXCLUSIVE MODE;
ALTER TABLE "session" RENAME TO "session_whole";
CREATE TABLE "session" (LIKE "session_whole" INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH ("id");

DO $$
DECLARE
  partitions CONSTANT integer := 16;
BEGIN
  FOR i IN 0 .. partitions - 1 LOOP
    EXECUTE format(
      -- Room in each page keeps refreshes HOT, as in the whole table.
      'CREATE TABLE %I PARTITION OF "session" FOR VALUES WITH (MODULUS %s, REMAINDER %s) WITH (fillfactor = 80)',
      'session_' || i, partitions, i
    );
  END LOOP;
END
$$;

INSERT INTO "session" SELECT * FROM "session_whole";
DROP TABLE "session_whole";

ALTER TABLE "session" ADD CONSTRAINT "session_pkey" PRIMARY KEY ("id");
CREATE INDEX "session_user" ON "session" ("user_id", "created_at", "id");
CREATE INDEX "session_created" ON "session" ("created_at", "id");
CREATE INDEX "session_ip" ON "session" ("ip", "created_at", "id");
ALTER TABLE "session" ADD CONSTRAINT "session_user_id_fkey"
  FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
