-- What admins and the host keep about a person. The next migration checks the rows without keeping others from the table.
ALTER TABLE "user" ADD COLUMN "attributes" JSONB NOT NULL DEFAULT '{}';
ALTER TABLE "user" ADD CONSTRAINT "user_attributes_object" CHECK (jsonb_typeof("attributes") = 'object') NOT VALID;
