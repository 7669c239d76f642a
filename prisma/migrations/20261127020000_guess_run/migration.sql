-- Wrong guesses in a row at one account. A row is removed when all its guesses are forgotten: old ones expire, and a
-- login ends the run. The key is a keyed hash, also of addresses that have no account.
CREATE TABLE "guess_run" (
  "key" TEXT NOT NULL,
  "failures" INTEGER NOT NULL,
  "last_at" TIMESTAMPTZ(3) NOT NULL,
  "resumes_at" TIMESTAMPTZ(3) NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "guess_run_pkey" PRIMARY KEY ("key")
);
CREATE INDEX "guess_run_expires" ON "guess_run" ("expires_at");
