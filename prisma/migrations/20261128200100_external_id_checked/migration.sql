-- Reads the table while others write to it.
ALTER TABLE "user" VALIDATE CONSTRAINT "user_external_id_length";
ALTER TABLE "user" VALIDATE CONSTRAINT "user_email_has_key";
