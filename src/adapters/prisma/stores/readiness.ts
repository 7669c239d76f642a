import type { Readiness } from '../../../ports/runtime.js'
import type { Database } from '../database.js'
import { beforeAnySession } from '../sql/session-rows.js'

/**
 * Ready where a refresh could be written: it takes its turn for a connection as a refresh does, and asks
 * for a change of the same table that fits no row. A standby, a database set read-only and a table that
 * is locked refuse that, and would answer a mere SELECT.
 */
export const databaseReadiness =
  (database: Database): Readiness =>
  async () => {
    await database.run(
      (prisma) => prisma.$executeRaw`UPDATE session SET device = device WHERE id = ${beforeAnySession}::uuid`
    )
  }
