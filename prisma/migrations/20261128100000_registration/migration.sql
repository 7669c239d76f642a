-- The password of the last registration of an address (`EMAIL_VERIFICATION=required`), whether or not the address has an
-- account. So a login with that password gets the same answer for both.
CREATE TABLE "registration" (
  "email_key" TEXT NOT NULL,
  "password_hash" TEXT NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "registration_pkey" PRIMARY KEY ("email_key")
);
CREATE INDEX "registration_expires" ON "registration" ("expires_at");

-- Accounts that wait for their confirmation now are deleted with the row of their address.
INSERT INTO "registration" ("email_key", "password_hash", "expires_at")
SELECT "email_key", "password_hash", CURRENT_TIMESTAMP + INTERVAL '3 day' FROM "user" WHERE "awaits_confirmation";
