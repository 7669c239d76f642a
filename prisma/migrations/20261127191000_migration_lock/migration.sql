-- One row, which is locked while a process migrates. The first migration needs it too, so the service creates the table
-- before; this is for databases that `prisma migrate deploy` has migrated until here.
CREATE TABLE IF NOT EXISTS "migration_lock" (
  "id" INTEGER NOT NULL,
  CONSTRAINT "migration_lock_pkey" PRIMARY KEY ("id")
);
INSERT INTO "migration_lock" ("id") VALUES (1) ON CONFLICT DO NOTHING;
