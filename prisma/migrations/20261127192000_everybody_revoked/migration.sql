-- The last end of everybody's sessions. Sessions created up to `at` have ended, also while their rows still exist. There
-- is at most one row: each refresh reads it, and finds it at once.
CREATE TABLE "everybody_revoked" (
  "id" INTEGER NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "repeated" BOOLEAN NOT NULL DEFAULT false,
  CONSTRAINT "everybody_revoked_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "everybody_revoked_one" CHECK ("id" = 1)
);
