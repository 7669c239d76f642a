CREATE TABLE "user" (
  "id" UUID NOT NULL,
  "email" TEXT NOT NULL,
  "email_key" TEXT NOT NULL,
  "password_hash" TEXT NOT NULL,
  "roles" TEXT[] DEFAULT ARRAY[]::TEXT[],
  "disabled_at" TIMESTAMPTZ(3),
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "user_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "user_email_key" ON "user" ("email_key");
CREATE INDEX "user_created" ON "user" ("created_at", "id");
-- Ops look for users by how their address begins.
CREATE INDEX "user_email_prefix" ON "user" ("email_key" text_pattern_ops);

-- Refreshes update this table all day: room in each page keeps them HOT.
CREATE TABLE "session" (
  "id" UUID NOT NULL,
  "user_id" UUID NOT NULL,
  "secret_hash" TEXT NOT NULL,
  "generation" BIGINT NOT NULL DEFAULT 0,
  "rotated_at" TIMESTAMPTZ(3),
  "retry_key_hash" TEXT,
  "recovered_generation" BIGINT,
  "mode" TEXT NOT NULL,
  "device" TEXT,
  "user_agent" TEXT,
  "ip" TEXT,
  "amr" TEXT[],
  "auth_time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "idle_expires_at" TIMESTAMPTZ(3) NOT NULL,
  "absolute_expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "session_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "session_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE ON UPDATE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX "session_user" ON "session" ("user_id", "created_at", "id");
CREATE INDEX "session_created" ON "session" ("created_at", "id");
CREATE INDEX "session_ip" ON "session" ("ip", "created_at", "id");

CREATE TABLE "revocation" (
  "id" BIGSERIAL NOT NULL,
  "sid" UUID,
  "reason" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "revocation_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "revocation_expires" ON "revocation" ("expires_at");

CREATE TABLE "event" (
  "id" BIGSERIAL NOT NULL,
  "type" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "user_id" UUID,
  "session_id" UUID,
  "actor_id" UUID,
  "reason" TEXT,
  "note" TEXT,
  "ip" TEXT,
  "user_agent" TEXT,
  CONSTRAINT "event_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "event_session" ON "event" ("session_id", "id");
CREATE INDEX "event_user" ON "event" ("user_id", "id");
CREATE INDEX "event_type" ON "event" ("type", "id");
CREATE INDEX "event_at" ON "event" ("at");

CREATE TABLE "signing_key" (
  "number" INTEGER NOT NULL,
  "kid" TEXT NOT NULL,
  "alg" TEXT NOT NULL,
  "public_jwk" JSONB NOT NULL,
  "encrypted_private_key" BYTEA NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "signs_from" TIMESTAMPTZ(3) NOT NULL,
  "retires_at" TIMESTAMPTZ(3),
  CONSTRAINT "signing_key_pkey" PRIMARY KEY ("number")
);
CREATE UNIQUE INDEX "signing_key_kid" ON "signing_key" ("kid");
