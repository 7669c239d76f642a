-- A task that one instance at a time does for all. It belongs to `holder` until `expires_at`, or for as long as the holder
-- renews it. `position` is where the holder's walk is; the next holder goes on there.
CREATE TABLE "lease" (
  "task" TEXT NOT NULL,
  "holder" UUID NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  "position" UUID,
  CONSTRAINT "lease_pkey" PRIMARY KEY ("task")
);
