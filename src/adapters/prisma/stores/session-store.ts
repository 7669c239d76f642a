import { maxSessionsOfUser } from '../../../core/vocabulary.js'
import type { Session, SessionStore } from '../../../ports/sessions.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { createSession } from '../sql/create-session.js'
import { endAllSessions } from '../sql/end-all-sessions.js'
import { endByToken } from '../sql/end-by-token.js'
import { type EndingPolicy, endSessions, endSurplus, lockUser } from '../sql/end-sessions.js'
import { byCreation, where } from '../sql/listing.js'
import { isLive, liveSessions, type RefreshPolicy, sessionColumns } from '../sql/live-sessions.js'
import { deleteAddressChanges } from '../sql/recovery/links.js'
import { replaceSession } from '../sql/replace-session.js'
import { rotate } from '../sql/rotate.js'
import { tables } from '../tables.js'

const newestFirst = byCreation<Session>('sessions', 's')

/**
 * Sessions in PostgreSQL. Single statements and short transactions keep every promise of `SessionStore`, at isolation
 * level READ COMMITTED. Up to `refreshBatchSize` simultaneous refreshes share a statement; `noteBatch` is called with the
 * number of refreshes of each.
 */
export function prismaSessionStore(
  database: Database,
  policy: RefreshPolicy & EndingPolicy,
  refreshBatchSize: number,
  noteBatch?: (size: number) => void
): SessionStore {
  return {
    create: createSession(database, policy),
    replace: replaceSession(database, policy),
    ...liveSessions(database, policy),
    rotate: rotate(database, policy, refreshBatchSize, noteBatch),
    endAll: endAllSessions(database, policy),
    endByToken: endByToken(database, policy, refreshBatchSize),

    async end(target, reason, actor, { note, isReplaced = false, endsAddressChanges = false } = {}) {
      // A condition that is present but undefined is the caller's mistake: it must match no session, not every one.
      const conditions = [Prisma.sql`s.id = ${target.sid}::uuid`]
      if ('userId' in target) conditions.push(Prisma.sql`s.user_id = ${target.userId ?? null}::uuid`)
      if ('secretHash' in target) conditions.push(Prisma.sql`s.secret_hash = ${target.secretHash ?? null}`)
      const which = Prisma.join(conditions, ' AND ')
      const ended = { reason, note, replacedSid: isReplaced ? target.sid : undefined }
      const locksUser = reason === 'reuse_detected' || endsAddressChanges
      const [revocation] = await database.run(async (prisma) => {
        if (!locksUser) return endSessions(prisma, which, ended, actor, policy)
        const ofSession = Prisma.sql`(SELECT s.user_id FROM ${tables.session} s WHERE ${which})`
        const [, , revocations] = await prisma.$transaction([
          // Statements that end other sessions of the user wait, so each counts the notices of those before it.
          lockUser(prisma, ofSession),
          prisma.$queryRaw`${deleteAddressChanges(ofSession)} AND ${endsAddressChanges}::boolean`,
          endSessions(prisma, which, ended, actor, policy)
        ])
        return revocations
      })
      return revocation
    },

    async endAllOfUser(userId, { keepSid, ...ended }, actor) {
      const others = Prisma.sql`s.user_id = ${userId}::uuid AND s.id IS DISTINCT FROM ${keepSid ?? null}::uuid`
      const surplus = await endSurplus(database, policy, { userId, keepSid }, actor)
      const [, revocations] = await database.run((prisma) =>
        prisma.$transaction([
          lockUser(prisma, userId),
          endSessions(prisma, others, ended, actor, policy),
          prisma.$queryRaw`${deleteAddressChanges(userId)}`
        ])
      )
      return [...surplus, ...revocations]
    },

    listOfUser(userId) {
      return query<Session>(database)`
        SELECT ${sessionColumns} FROM ${tables.session} s WHERE s.user_id = ${userId}::uuid AND ${isLive}
        ORDER BY s.created_at DESC, s.id DESC LIMIT ${maxSessionsOfUser}`
    },

    async list({ userId, ip }, page) {
      const conditions = where([
        isLive,
        userId === undefined ? undefined : Prisma.sql`s.user_id = ${userId}::uuid`,
        ip === undefined ? undefined : Prisma.sql`s.ip = ${ip}`,
        newestFirst.after(page.cursor)
      ])
      const rows = await query<Session>(database)`
        SELECT ${sessionColumns} FROM ${tables.session} s ${conditions}
        ORDER BY s.created_at DESC, s.id DESC LIMIT ${page.limit + 1}`
      return newestFirst.page(rows, page)
    },

    async count(max) {
      const [row] = await query<{ readonly count: number }>(database)`
        SELECT count(*)::int AS count FROM (
          SELECT 1 FROM ${tables.session} s WHERE ${isLive} ORDER BY s.created_at DESC LIMIT ${max}
        ) live`
      return row?.count ?? 0
    },

    async rename(sid, userId, device) {
      const [session] = await query<Session>(database)`
        UPDATE ${tables.session} s SET device = ${device}
        WHERE s.id = ${sid}::uuid AND s.user_id = ${userId}::uuid AND ${isLive}
        RETURNING ${sessionColumns}`
      return session
    }
  }
}
