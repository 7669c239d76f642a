-- Whether the session has ever used an Idempotency-Key. Version 0.1.0 goes on writing rows without it.
ALTER TABLE "session" ADD COLUMN "key_used" BOOLEAN NOT NULL DEFAULT false;
