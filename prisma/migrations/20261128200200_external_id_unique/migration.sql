-- latchkey: outside a transaction
CREATE UNIQUE INDEX CONCURRENTLY "user_external_id" ON "user" ("external_id");
