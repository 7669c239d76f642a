-- Reads the table while others write to it.
ALTER TABLE "user" VALIDATE CONSTRAINT "user_attributes_object";
