import type { Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { prismaClientStore } from '../../../src/adapters/prisma/stores/client-store.js'
import { prismaEventLog } from '../../../src/adapters/prisma/stores/event-log.js'
import { prismaLinkStore } from '../../../src/adapters/prisma/stores/link-store.js'
import { prismaMailLog } from '../../../src/adapters/prisma/stores/mail-log.js'
import { prismaOutbox } from '../../../src/adapters/prisma/stores/outbox.js'
import { prismaSessionStore } from '../../../src/adapters/prisma/stores/session-store.js'
import { prismaUserStore } from '../../../src/adapters/prisma/stores/user-store.js'
import { policy, type Stores } from '../../contract/stores.js'
import { openTestDatabase, sql, testDatabases } from '../database.js'

/** Runs the tests on each kind of database that this run covers, each in a new database. */
export function onEachDatabase(t: Test, tests: (t: Test, stores: Stores, database: Database) => void): void {
  for (const kind of testDatabases(t)) {
    t.test(kind, async (t) => {
      const database = await openTestDatabase(t, {
        kind,
        embedded: { waitSeconds: 20 },
        server: { waitSeconds: 20, poolSize: 6 }
      })
      tests(t, storesOver(database), database)
    })
  }
}

export function storesOver(database: Database): Stores {
  return {
    users: prismaUserStore(database, policy),
    sessions: prismaSessionStore(database, policy, 64),
    events: prismaEventLog(database),
    links: prismaLinkStore(database),
    outbox: prismaOutbox(database),
    mails: prismaMailLog(database),
    clients: prismaClientStore(database, policy),
    rounds: database.kind === 'server' ? 200 : 10,
    sessionsUnder: (changes) => prismaSessionStore(database, { ...policy, ...changes }, 64),
    async age(seconds) {
      for (const [table, times] of Object.entries(timeColumns)) {
        const shifts = times.map((time) => `${time} = ${time} - make_interval(secs => $1)`)
        await sql(database, `UPDATE ${table} SET ${shifts.join(', ')}`, seconds)
      }
    }
  }
}

const timeColumns = {
  session: [
    ...['rotated_at', 'last_used_at', 'used_before_at'],
    ...['auth_time', 'created_at', 'idle_expires_at', 'absolute_expires_at']
  ],
  event: ['at'],
  client: ['created_at'],
  client_secret: ['created_at', 'last_used_at'],
  revocation: ['at', 'expires_at'],
  guess_run: ['last_at', 'resumes_at', 'expires_at'],
  everybody_revoked: ['at'],
  registration: ['expires_at'],
  one_time_link: ['created_at', 'expires_at'],
  mail: ['created_at', 'next_attempt_at', 'done_at']
}
