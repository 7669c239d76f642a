-- Users see a use of their session when its five minutes are over. Until then they see the use before it.
ALTER TABLE "session" ADD COLUMN "used_before_at" TIMESTAMPTZ(3);
