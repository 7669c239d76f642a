import { type MailLog, type MailRecord, type MailState, mailStates } from '../../../ports/mail.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { byCreation, where } from '../sql/listing.js'
import { tables } from '../tables.js'

const newestFirst = byCreation<MailRecord>('mails', 'm')

/**
 * The mails of the outbox in PostgreSQL. A listing reads each state separately, by the index `mail_outcome`, so that it
 * reads at most one page of rows for each state, however many mails there are.
 */
export function prismaMailLog(database: Database): MailLog {
  return {
    async list({ userId, state }, page) {
      const after = newestFirst.after(page.cursor)
      const ofUser = userId === undefined ? undefined : Prisma.sql`m.user_id = ${userId}::uuid`
      const ofEachState = (state === undefined ? mailStates : [state]).map(
        (state) => Prisma.sql`(
          SELECT m.id, m.kind, m.user_id AS "userId", m.recipient, coalesce(m.outcome, 'pending') AS state, m.attempts,
            m.created_at AS "createdAt", m.next_attempt_at AS "nextAttemptAt", m.done_at AS "doneAt",
            m.last_error AS "lastError"
          FROM ${tables.mail} m ${where([isIn(state), ofUser, after])}
          ORDER BY ${inOrderOfIndex} LIMIT ${page.limit + 1}
        )`
      )
      const rows = await query<MailRecord>(database)`
        SELECT m.* FROM (${Prisma.join(ofEachState, ' UNION ALL ')}) m
        ORDER BY m."createdAt" DESC, m.id DESC LIMIT ${page.limit + 1}`
      return newestFirst.page(rows, page)
    },

    async count(max) {
      const counts = mailStates.map(
        (state) => Prisma.sql`
          SELECT ${state}::text AS state, count(*)::float8 AS count
          FROM (SELECT m.id FROM ${tables.mail} m WHERE ${isIn(state)} ORDER BY ${inOrderOfIndex} LIMIT ${max}) mails`
      )
      const rows = await query<{ readonly state: MailState; readonly count: number }>(database)`
        ${Prisma.join(counts, ' UNION ALL ')}`
      return Object.fromEntries(rows.map(({ state, count }) => [state, count])) as Record<MailState, number>
    }
  }
}

/**
 * Newest first, for mails of one state. It names `outcome` so that the index also gives this order where `outcome` is
 * null. Counts use it too: without an order, PostgreSQL may scan the table from its beginning, where few mails wait.
 */
const inOrderOfIndex = Prisma.sql`m.outcome DESC, m.created_at DESC, m.id DESC`

const isIn = (state: MailState) =>
  state === 'pending' ? Prisma.sql`m.outcome IS NULL` : Prisma.sql`m.outcome = ${state}`
