import type { Readiness } from '../../../ports/runtime.js'
import { type Database, execute } from '../database.js'
import { beforeAnySession } from '../sql/fragments.js'

/**
 * Checks that a refresh could be written: it waits for a connection as a refresh does, and sends an UPDATE of the same
 * table that matches no row. A standby, a read-only database and a locked table refuse that, but would answer a SELECT.
 */
export const databaseReadiness =
  (database: Database): Readiness =>
  async () => {
    await execute(database)`UPDATE session SET device = device WHERE id = ${beforeAnySession}::uuid`
  }
