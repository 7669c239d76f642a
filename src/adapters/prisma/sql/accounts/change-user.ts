import type { Revocation } from '../../../../core/revocation-set.js'
import { adminRole } from '../../../../core/vocabulary.js'
import type { UserStore } from '../../../../ports/user-store.js'
import type { User } from '../../../../ports/users.js'
import type { Database } from '../../database.js'
import { isUniqueViolation } from '../../database-errors.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'
import {
  type EndingPolicy,
  endSessions,
  endSurplus,
  lockUser,
  repeatAfterCommit,
  revocationLife,
  type Statements
} from '../end-sessions.js'
import { clock, revocationColumns, userColumns } from '../fragments.js'
import { type ClaimPolicy, isLive, toLiveSession } from '../live-sessions.js'
import { insertNotices, keepNoticeCounts } from '../mail.js'
import { addReplacement, isAdded } from '../replace-session.js'
import { changeAttributes, decideAboutClaims } from './change-attributes.js'
import { isLastAdmin } from './last-admin.js'

/**
 * The methods of a `UserStore` that also change the user's sessions. Each is one transaction whose first statement
 * locks the user's row, so that its conditions stay true until it ends.
 */
export function userChanges(
  database: Database,
  policy: EndingPolicy & ClaimPolicy
): Pick<UserStore, 'changePassword' | 'update' | 'delete'> {
  return {
    async changePassword({ userId, oldHash, newHash, replacement }, actor) {
      const { replaces, replacedReason = 'replaced' } = replacement
      const isProved = Prisma.sql`u.id = ${userId}::uuid AND u.password_hash = ${oldHash}`
      const isStillProved = Prisma.sql`EXISTS (SELECT 1 FROM ${tables.user} u WHERE ${isProved})`
      const otherSessions = Prisma.sql`s.user_id = ${userId}::uuid AND s.id <> ${replacement.id}::uuid
        AND ${isAdded(replacement)}`
      const reason = Prisma.sql`CASE WHEN s.id = ${replaces}::uuid THEN ${replacedReason} ELSE 'password_changed' END`
      const owner = Prisma.sql`FROM ${tables.user} u WHERE u.id IN (SELECT id FROM changed)`
      const surplus = await endSurplus(database, policy, { userId, keepSid: replaces, only: isStillProved }, actor)
      const [, [row], revocations] = await database.run((prisma) =>
        prisma.$transaction([
          lockUser(prisma, userId),
          addReplacement(prisma, replacement, isProved, 'password_changed', actor, policy),
          endSessions(prisma, otherSessions, { reason, replacedSid: replaces }, actor, policy),
          prisma.$queryRaw`
            WITH changed AS (
              UPDATE ${tables.user} u SET password_hash = ${newHash} WHERE ${isProved} AND ${isAdded(replacement)}
              RETURNING u.id
            )
            ${insertNotices(policy, 'password_changed', owner, { actor })}`
        ])
      )
      return row && { session: toLiveSession(row), revocations: [...surplus, ...revocations] }
    },

    async update(id, { disabled, roles, attributes, externalId }, actor) {
      const wanted = roles === undefined ? Prisma.sql`coalesce(u.roles, '{}')` : Prisma.sql`${[...roles]}::text[]`
      const rolesDiffer = Prisma.sql`NOT (coalesce(u.roles, '{}') @> ${wanted} AND ${wanted} @> coalesce(u.roles, '{}'))`
      const disabledAfter =
        disabled === undefined ? Prisma.sql`u.disabled_at IS NOT NULL` : Prisma.sql`${disabled}::boolean`
      const externalIdAfter = externalId === undefined ? Prisma.sql`u.external_id` : Prisma.sql`${externalId}::text`
      const externalIdDiffers = Prisma.sql`(u.external_id IS DISTINCT FROM ${externalIdAfter})`
      const externalIdIsClaimed = Prisma.sql`(${externalIdDiffers} AND ${policy.claimAttributes === 'any'}::boolean)`
      const ofUser = Prisma.sql`s.user_id = ${id}::uuid`
      const ofDisabled = Prisma.sql`${ofUser} AND ${disabled === true}::boolean`

      // An address that nobody has confirmed may be another person's.
      const owner = Prisma.sql`
        FROM before JOIN ${tables.user} u ON u.id = before.id
        WHERE before.disabled_after AND NOT before.disabled AND NOT u.awaits_confirmation`

      const removesAdmin = disabled === true || roles?.includes(adminRole) === false

      const surplus = await endSurplus(database, policy, { userId: id }, actor)
      const updated = await transaction(database, async (prisma) => {
        await lockUser(prisma, id)
        if (removesAdmin && (await isLastAdmin(prisma, id))) return 'last_admin'
        const changed = attributes && (await changeAttributes(prisma, id, attributes, actor))
        const isStale = Prisma.sql`
          (${rolesDiffer} OR ${externalIdIsClaimed} OR ${decideAboutClaims(changed ?? [], policy)}::boolean)`
        const ended = await endSessions(prisma, ofDisabled, { reason: 'user_disabled' }, actor, policy)
        const stale = await prisma.$queryRaw<Revocation[]>`
          WITH r AS (
            INSERT INTO ${tables.revocation} (sid, reason, expires_at)
            SELECT s.id, 'roles_changed', ${clock} + ${revocationLife(policy)}
            FROM ${tables.session} s JOIN ${tables.user} u ON u.id = s.user_id WHERE ${ofUser} AND ${isLive} AND ${isStale}
            RETURNING *
          )
          SELECT ${revocationColumns} FROM r`
        const [user] = await prisma.$queryRaw<User[]>`
          WITH before AS (
            SELECT u.id, u.external_id, ${rolesDiffer} AS roles_differ, ${externalIdDiffers} AS external_id_differs,
              u.disabled_at IS NOT NULL AS disabled, ${disabledAfter} AS disabled_after
            FROM ${tables.user} u WHERE u.id = ${id}::uuid
          ), u AS (
            UPDATE ${tables.user} u
            SET roles = ${wanted}, external_id = ${externalIdAfter},
              disabled_at = CASE WHEN before.disabled_after THEN coalesce(u.disabled_at, ${clock}) END
            FROM before WHERE u.id = before.id
            RETURNING u.*
          ), noted AS (
            INSERT INTO ${eventTarget}
            SELECT 'roles_changed', id, NULL::uuid, NULL, NULL, ${by(actor)} FROM before WHERE roles_differ
            UNION ALL
            SELECT 'external_id_changed', id, NULL, NULL, external_id, ${by(actor)} FROM before WHERE external_id_differs
            UNION ALL
            SELECT CASE WHEN disabled_after THEN 'user_disabled' ELSE 'user_enabled' END, id, NULL, NULL, NULL, ${by(actor)}
            FROM before WHERE disabled <> disabled_after
          ), queued AS (
            ${insertNotices(policy, 'account_disabled', owner, { actor })}
          )
          SELECT ${userColumns} FROM u`
        return user && { user, ended, stale }
      }).catch(refuseTakenExternalId)
      if (updated === undefined || typeof updated === 'string') return updated
      const { user, ended, stale } = updated
      const revocations = stale.length === 0 ? ended : await repeatAfterCommit(database, stale, policy)
      return { user, revocations: [...surplus, ...revocations] }
    },

    async delete(id, reason, actor) {
      const surplus = await endSurplus(database, policy, { userId: id }, actor)
      const revocations = await transaction(database, async (prisma) => {
        await lockUser(prisma, id)
        if (await isLastAdmin(prisma, id)) return 'last_admin'
        const ended = await endSessions(prisma, Prisma.sql`s.user_id = ${id}::uuid`, { reason }, actor, policy)
        const deleted = await prisma.$queryRaw<unknown[]>`
          WITH deleted AS (
            DELETE FROM ${tables.user} WHERE id = ${id}::uuid RETURNING id, email_key, external_id
          ), registered AS (
            DELETE FROM ${tables.registration} WHERE email_key IN (SELECT email_key FROM deleted)
          ), links AS (
            DELETE FROM ${tables.oneTimeLink} WHERE user_id IN (SELECT id FROM deleted)
          ), mails AS (
            DELETE FROM ${tables.mail} WHERE user_id IN (SELECT id FROM deleted)
          ), counted AS (
            ${keepNoticeCounts(id)}
          ), noted AS (
            INSERT INTO ${eventTarget} SELECT 'user_deleted', id, NULL, ${reason}, external_id, ${by(actor)} FROM deleted
          )
          SELECT 1 FROM deleted`
        return deleted.length === 0 ? undefined : ended
      })
      return Array.isArray(revocations) ? [...surplus, ...revocations] : revocations
    }
  }
}

/** The external id is the only unique value that `update` writes. */
function refuseTakenExternalId(error: unknown): 'external_id_taken' {
  if (isUniqueViolation(error)) return 'external_id_taken'
  throw error
}

/** Runs statements one after the other in a transaction, so that later ones can depend on earlier ones. */
function transaction<T>(database: Database, statements: (prisma: Statements) => Promise<T>): Promise<T> {
  return database.run((prisma) => prisma.$transaction(statements))
}
