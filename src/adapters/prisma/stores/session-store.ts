import type { Session, SessionStore } from '../../../ports/sessions.js'
import type { Database } from '../database.js'
import { Prisma } from '../generated/client.js'
import { byCreation, where } from '../sql/cursor.js'
import { endingEverybodys } from '../sql/ending-everybodys.js'
import { type EndingPolicy, endSessions, lockUser } from '../sql/ending-sessions.js'
import { endSurplus, mostSessionsOfUser } from '../sql/ending-surplus.js'
import { type RefreshingPolicy, refreshingSessions } from '../sql/refreshing-sessions.js'
import { sessionCreation } from '../sql/session-creation.js'
import { isLive, type LiveRow, liveColumns, sessionColumns, toLiveSession } from '../sql/session-rows.js'

const newestFirst = byCreation<Session>('sessions', 's')

/** Sessions in PostgreSQL. Every promise of `SessionStore` is kept by single statements or short batches, under READ COMMITTED. */
export function prismaSessionStore(database: Database, policy: RefreshingPolicy & EndingPolicy): SessionStore {
  return {
    create: sessionCreation(database, policy),
    ...refreshingSessions(database, policy),
    endEverybodys: endingEverybodys(database, policy),

    async find(sid) {
      const rows = await database.run(
        (prisma) => prisma.$queryRaw<LiveRow[]>`
          SELECT ${liveColumns} FROM session s JOIN "user" u ON u.id = s.user_id WHERE s.id = ${sid}::uuid`
      )
      return rows.map(toLiveSession)[0]
    },

    async end(target, reason, actor, note) {
      // A condition that is named but undefined is a caller's slip, and must not vanish: it fits no session.
      const conditions = [Prisma.sql`s.id = ${target.sid}::uuid`]
      if ('userId' in target) conditions.push(Prisma.sql`s.user_id = ${target.userId ?? null}::uuid`)
      if ('secretHash' in target) conditions.push(Prisma.sql`s.secret_hash = ${target.secretHash ?? null}`)
      const which = Prisma.join(conditions, ' AND ')
      const [revocation] = await database.run((prisma) => endSessions(prisma, which, { reason, note }, actor, policy))
      return revocation
    },

    async endAllOfUser(userId, { keepSid, ...ended }, actor) {
      const others = Prisma.sql`s.user_id = ${userId}::uuid AND s.id IS DISTINCT FROM ${keepSid ?? null}::uuid`
      const surplus = await endSurplus(database, policy, { userId, keepSid }, actor)
      const [, revocations] = await database.run((prisma) =>
        prisma.$transaction([lockUser(prisma, userId), endSessions(prisma, others, ended, actor, policy)])
      )
      return [...surplus, ...revocations]
    },

    listOfUser(userId) {
      return database.run(
        (prisma) => prisma.$queryRaw<Session[]>`
          SELECT ${sessionColumns} FROM session s WHERE s.user_id = ${userId}::uuid AND ${isLive}
          ORDER BY s.created_at DESC, s.id DESC LIMIT ${mostSessionsOfUser}`
      )
    },

    async list({ userId, ip }, page) {
      const conditions = where([
        isLive,
        userId === undefined ? undefined : Prisma.sql`s.user_id = ${userId}::uuid`,
        ip === undefined ? undefined : Prisma.sql`s.ip = ${ip}`,
        newestFirst.after(page.cursor)
      ])
      const rows = await database.run(
        (prisma) => prisma.$queryRaw<Session[]>`
          SELECT ${sessionColumns} FROM session s ${conditions}
          ORDER BY s.created_at DESC, s.id DESC LIMIT ${page.limit + 1}`
      )
      return newestFirst.page(rows, page)
    },

    async count(most) {
      const [row] = await database.run(
        (prisma) => prisma.$queryRaw<{ readonly count: number }[]>`
          SELECT count(*)::int AS count FROM (SELECT 1 FROM session s WHERE ${isLive} LIMIT ${most}) live`
      )
      return row?.count ?? 0
    },

    async rename(sid, userId, device) {
      const [session] = await database.run(
        (prisma) => prisma.$queryRaw<Session[]>`
          UPDATE session s SET device = ${device}
          WHERE s.id = ${sid}::uuid AND s.user_id = ${userId}::uuid AND ${isLive}
          RETURNING ${sessionColumns}`
      )
      return session
    }
  }
}
