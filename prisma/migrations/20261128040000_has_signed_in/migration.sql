-- Whether the account has ever had a session: its first one is no news to its owner. True also for accounts that another
-- program or an older version adds, so that no notice of a new device is left out.
ALTER TABLE "user" ADD COLUMN "has_signed_in" BOOLEAN NOT NULL DEFAULT true;
