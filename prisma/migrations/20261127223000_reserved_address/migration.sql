-- An address that a link can bring back is kept for its account, so that nobody else can register it meanwhile.
ALTER TABLE "one_time_link" ADD COLUMN "reserved_email_key" TEXT;
CREATE INDEX "one_time_link_reserved" ON "one_time_link" ("reserved_email_key");
