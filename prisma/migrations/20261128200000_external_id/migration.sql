-- Who a person is to the host that proves their identity, such as a directory. The next two migrations check the rows and
-- make the ids unique without keeping others from the table.
ALTER TABLE "user" ADD COLUMN "external_id" TEXT;
ALTER TABLE "user" ADD CONSTRAINT "user_external_id_length" CHECK (char_length("external_id") BETWEEN 1 AND 255) NOT VALID;
-- Such a person may have no address. `email` is '' then, and not null: the version before writes mails to it.
ALTER TABLE "user" ALTER COLUMN "email_key" DROP NOT NULL;
ALTER TABLE "user" ADD CONSTRAINT "user_email_has_key" CHECK (("email" = '') = ("email_key" IS NULL)) NOT VALID;
