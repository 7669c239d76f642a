/** What the Prisma of a host may have put into `public`: tables named like ours, and its history with a failure. */
export const hostTables = `
  CREATE TABLE public."user" ("id" SERIAL PRIMARY KEY, "name" TEXT NOT NULL);
  INSERT INTO public."user" ("name") VALUES ('of the host');
  CREATE TABLE public."session" ("id" TEXT PRIMARY KEY, "data" JSONB);
  CREATE TABLE public."migration_lock" ("locked" BOOLEAN);
  CREATE FUNCTION public."revocation_notify"() RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE TABLE public."_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0
  );
  INSERT INTO public."_prisma_migrations" ("id", "checksum", "migration_name", "finished_at")
  VALUES ('1', 'x', '20250101000000_host', now()), ('2', 'y', '20250102000000_failed', NULL)`
