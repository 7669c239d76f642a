-- A transaction that must run alone locks the row of its kind, which it writes if it is not there. It is not an advisory
-- lock: some engines have none, or one that locks nothing.
CREATE TABLE "named_lock" (
  "name" TEXT NOT NULL,
  CONSTRAINT "named_lock_pkey" PRIMARY KEY ("name")
);
