-- When the owner proved the address of the account, if ever, and the language of mails to the person (RFC 5646).
ALTER TABLE "user" ADD COLUMN "email_verified_at" TIMESTAMPTZ(3);
ALTER TABLE "user" ADD COLUMN "locale" TEXT;

-- Links that work once. The token is not here: it is derived from the id and the root secret. `token_hash` is its hash.
-- `bound_email`, and `bound_password`, a digest of its hash, are those of the account: the link is dead once they change.
-- Null binds to neither. `address` is what the link is about: where it was mailed to, or what it brings back.
CREATE TABLE "one_time_link" (
  "id" UUID NOT NULL,
  "purpose" TEXT NOT NULL,
  "user_id" UUID NOT NULL,
  "address" TEXT NOT NULL,
  "token_hash" TEXT NOT NULL,
  "bound_email" TEXT,
  "bound_password" TEXT,
  "mailed" BOOLEAN NOT NULL,
  "life_seconds" INTEGER NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "one_time_link_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "one_time_link_user" ON "one_time_link" ("user_id");
CREATE INDEX "one_time_link_expires" ON "one_time_link" ("expires_at");
