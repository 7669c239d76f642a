-- What GET /readyz writes to find out whether commits succeed: one row for each instance, so that none waits for another.
CREATE TABLE "readiness_probe" (
  "instance" UUID NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "readiness_probe_pkey" PRIMARY KEY ("instance")
);
