-- What GET /readyz writes, to know that a refresh could be committed: each instance updates a row of its own. No index
-- has "written_at", so the updates stay in their page (HOT) and the table stays as small as it is.
CREATE TABLE "readiness_probe" (
  "slot" SMALLINT NOT NULL,
  "written_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "readiness_probe_pkey" PRIMARY KEY ("slot")
);
