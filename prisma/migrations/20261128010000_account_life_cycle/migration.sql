-- An account that was registered but not yet confirmed, and what people write about themselves.
ALTER TABLE "user" ADD COLUMN "awaits_confirmation" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "user" ADD COLUMN "profile" JSONB NOT NULL DEFAULT '{}';
