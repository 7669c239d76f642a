-- Mails to be sent, and those of the last days. An instance that sends one moves `next_attempt_at` ahead first, so that no
-- other sends it too; if the instance dies, the mail is due again. It is null once the mail is done.
CREATE TABLE "mail" (
  "id" UUID NOT NULL,
  "kind" TEXT NOT NULL,
  "user_id" UUID,
  "recipient" TEXT NOT NULL,
  "locale" TEXT,
  "parameters" JSONB NOT NULL,
  "link_id" UUID,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "next_attempt_at" TIMESTAMPTZ(3),
  "done_at" TIMESTAMPTZ(3),
  "outcome" TEXT,
  "last_error" TEXT,
  CONSTRAINT "mail_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "mail_due" ON "mail" ("next_attempt_at");
CREATE INDEX "mail_done" ON "mail" ("done_at");
CREATE INDEX "mail_user" ON "mail" ("user_id", "created_at", "id");
