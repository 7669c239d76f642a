-- How far each hook of a host (`onUserCreated`, …) has seen the event log, by the name of the hook. All instances share it.
CREATE TABLE "hook" (
  "name" TEXT NOT NULL,
  "position" BIGINT NOT NULL,
  "caught_up_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "hook_pkey" PRIMARY KEY ("name"),
  CONSTRAINT "hook_name" CHECK ("name" <> ''),
  CONSTRAINT "hook_position" CHECK ("position" >= 0)
);
