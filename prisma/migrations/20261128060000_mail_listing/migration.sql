-- Admins list mails by what became of them, newest first. Mails to nobody, which only make an answer take as long as
-- another, get an outcome of their own: so no listing reads them, however many there are.
UPDATE "mail" SET "outcome" = 'pretended' WHERE "recipient" = '';
CREATE INDEX "mail_outcome" ON "mail" ("outcome", "created_at", "id");
