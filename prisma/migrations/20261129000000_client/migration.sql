-- Machine clients (`POST /token`). The secret is random, so a plain hash of it is enough; `hint` is its end, by which an
-- admin tells two secrets apart. `last_used_at` is written at most once an hour.
CREATE TABLE "client" (
  "id" UUID NOT NULL,
  "name" TEXT NOT NULL,
  "scopes" TEXT[] NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "client_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "client_name_filled" CHECK ("name" <> '')
);
CREATE INDEX "client_created" ON "client" ("created_at", "id");

CREATE TABLE "client_secret" (
  "id" UUID NOT NULL,
  "client_id" UUID NOT NULL,
  "secret_hash" TEXT NOT NULL,
  "hint" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "last_used_at" TIMESTAMPTZ(3),
  CONSTRAINT "client_secret_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "client_secret_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "client" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "client_secret_hash_filled" CHECK ("secret_hash" <> '')
);
CREATE INDEX "client_secret_client" ON "client_secret" ("client_id");

-- The client that an event is about. The version before leaves it null.
ALTER TABLE "event" ADD COLUMN "client_id" UUID;
