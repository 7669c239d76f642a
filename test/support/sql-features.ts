export interface SqlFeature {
  /** The words that are only this feature, in the form of `wordsOf`. */
  readonly words?: string
  /** Finds the feature where its words are plain. */
  readonly pattern?: RegExp
}

/**
 * What engines may lack, by the first column of the table in docs/scaling.md. A feature that is not in that table must not
 * be used; here it stands only to be found.
 */
export const sqlFeatures: Readonly<Record<string, SqlFeature>> = {
  '`LISTEN`, `NOTIFY`': { words: 'LISTEN UNLISTEN NOTIFY PG_NOTIFY pg_notify()' },
  'triggers on statements, with transition tables; PL/pgSQL': {
    words: `TRIGGER REFERENCING AFTER NEW EACH STATEMENT EXECUTE FUNCTION RETURNS LANGUAGE PLPGSQL IF PERFORM RETURN
      TG_TABLE_SCHEMA`
  },
  'a trigger on rows': { pattern: /FOR EACH ROW/ },
  '`pg_try_advisory_xact_lock`': { words: 'PG_TRY_ADVISORY_XACT_LOCK pg_try_advisory_xact_lock()' },
  'other advisory locks': { pattern: /pg_(?!try_advisory_xact_lock\b)\w*advisory\w*/ },
  'ids of `revocation` that grow with time, except within 60 s': { words: 'BIGSERIAL' },
  'one row that each refresh reads (`everybody_revoked`)': { pattern: /\beverybody_revoked\b/ },
  '`FOR UPDATE`, `FOR NO KEY UPDATE`': { pattern: /\bFOR (?:NO KEY )?UPDATE\b/ },
  '`FOR SHARE`': { words: 'SHARE' },
  '`SKIP LOCKED`': { words: 'SKIP LOCKED' },
  'CTEs that write': { pattern: /\bAS \(\s*(?:INSERT|UPDATE|DELETE)\b/ },
  'a materialized CTE': { words: 'MATERIALIZED' },
  'a recursive CTE': { words: 'RECURSIVE' },
  '`INSERT … ON CONFLICT`': { words: 'CONFLICT DO NOTHING' },
  '`UPDATE … FROM`': {
    pattern: /\bUPDATE\b(?:(?!\bWHERE\b)[^;])+?\bSET\b(?:(?!\bWHERE\b|\bRETURNING\b)[^;])+?(?<!\bepoch )\bFROM\b/
  },
  '`UPDATE … SET (a, b) = ROW (…)`': { words: 'ROW' },
  '`DELETE … USING`': { pattern: /\bDELETE FROM\s+\S+\s+(?:\w+\s+)?USING\b/ },
  'functions in `RETURNING`': { pattern: /\bRETURNING\b(?:[^);]|\([^()]*\))*?\b(?!coalesce\b)[a-z]\w*\(/ },
  'arrays: `text[]`, `ANY`, `@>`, `unnest`': { words: 'ARRAY [] @> || unnest()' },
  '`FROM a, unnest(…)`, an implied `LATERAL`': { pattern: /\bFROM\s+\w+,\s*unnest\(/ },
  '`LATERAL`': { words: 'LATERAL' },
  'comparison of rows: `(a, b) < (c, d)`': { pattern: /\)\s*<\s*\(/ },
  '`SELECT` without a column': { pattern: /\bSELECT\s+FROM\b/ },
  '`UUID`, `TIMESTAMPTZ(3)`, `JSONB`, `BYTEA`': {
    words:
      'UUID ::uuid TIMESTAMPTZ ::timestamptz timestamptz() JSONB ::jsonb jsonb_build_object() jsonb_typeof() JSONB_TYPEOF BYTEA'
  },
  '`now()`, `clock_timestamp()`, `extract`, `to_char`, intervals': {
    words: 'now() CURRENT_TIMESTAMP clock_timestamp() EXTRACT extract() INTERVAL to_timestamp() to_char() TIME ZONE'
  },
  'a foreign key with `ON DELETE CASCADE`': { words: 'FOREIGN REFERENCES CASCADE' },
  '`text_pattern_ops`': { words: 'TEXT_PATTERN_OPS' },
  '`fillfactor`': { words: 'FILLFACTOR' },
  '`CREATE INDEX CONCURRENTLY`': { words: 'CONCURRENTLY' },
  'a partial index': { pattern: /\bCREATE (?:UNIQUE )?INDEX\b[^;]*\)\s*WHERE\b/ },
  'an index on an expression': { pattern: /\bCREATE (?:UNIQUE )?INDEX\b[^;(]*\([^;)]*\(/ },
  'an index of another kind': { pattern: /\bCREATE (?:UNIQUE )?INDEX\b[^;(]*\bUSING\b/ },
  '`SET`, `SET LOCAL`': { words: 'LOCAL', pattern: /(?:^|;)\s*SET\b/ },
  'transactions at `READ COMMITTED`': { words: 'ISOLATION LEVEL READ COMMITTED' },
  '`sha256`, `encode`, `convert_to`': { words: 'sha256() encode() convert_to() substr()' },
  '`to_regclass`, `gen_random_uuid`, the catalog': {
    words: `to_regclass() gen_random_uuid() PG_NAMESPACE PG_INDEX PG_CLASS PG_TRIGGER PG_LOCKS PG_STAT_ACTIVITY PG_BACKEND_PID pg_backend_pid()
      current_database() CURRENT_USER current_setting() PG_CONTROL_SYSTEM pg_control_system()`
  },
  '`has_schema_privilege`, `has_table_privilege`': { words: 'has_schema_privilege() has_table_privilege()' },
  '`"user"`, a reserved word, as a name': { pattern: /"user"/ }
}

/** What every engine that speaks PostgreSQL has, and keywords that are names of our columns. */
export const plainSql = `
  SELECT FROM WHERE AND OR NOT IN BETWEEN IS NULL TRUE FALSE EXISTS DISTINCT LIKE ANY ALL AS ON BY ORDER DESC LIMIT OFFSET HAVING
  UNION JOIN LEFT USING WITH CASE WHEN THEN ELSE END INSERT INTO VALUES UPDATE SET DELETE RETURNING FOR NO KEY OF
  BEGIN COMMIT ROLLBACK CREATE ALTER DROP ADD TABLE COLUMN INDEX UNIQUE PRIMARY CONSTRAINT CHECK VALID VALIDATE DEFAULT SCHEMA
  TEXT ::text VARCHAR BIGINT ::bigint INTEGER INT ::int BOOLEAN ::boolean ::float8
  CHAR_LENGTH char_length() COALESCE coalesce() GREATEST greatest() LEAST least() count() min() floor() ceil()
  = <> < <= > >= + - * /
  AT BEFORE GRANTED HOUR LAST METHOD MODE NAME OLD POSITION TYPE asked() l() m()`
