-- One entry can stand for many events of one kind, such as the failed logins of a flood.
ALTER TABLE "event" ADD COLUMN "count" INTEGER NOT NULL DEFAULT 1;
