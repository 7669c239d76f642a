import { domainToUnicode } from 'node:url'
import { type Email, readEmail } from '../../../core/email.js'
import type { UserStore } from '../../../ports/user-store.js'
import type { AddressedUser, User, UserWithPassword } from '../../../ports/users.js'
import { type Database, execute, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { prepared } from '../prepared-statements.js'
import { sharedReads } from '../shared-reads.js'
import { userChanges } from '../sql/accounts/change-user.js'
import { ExternalIdTaken, insertUser } from '../sql/accounts/create-user.js'
import { profiles } from '../sql/accounts/profiles.js'
import { registrations } from '../sql/accounts/register-user.js'
import type { EndingPolicy, Statements } from '../sql/end-sessions.js'
import { userColumns, userWithPasswordColumns } from '../sql/fragments.js'
import { byCreation, where } from '../sql/listing.js'
import type { ClaimPolicy } from '../sql/live-sessions.js'
import { addressChanges } from '../sql/recovery/change-address.js'
import { rebindLinks } from '../sql/recovery/links.js'
import { passwordResets } from '../sql/recovery/reset-password.js'
import { orTaken } from '../sql/recovery/taken-address.js'
import { emailVerification } from '../sql/recovery/verify-email.js'
import { tables } from '../tables.js'

const newestFirst = byCreation<User>('users', 'u')

/** Accounts in PostgreSQL. */
export function prismaUserStore(database: Database, policy: EndingPolicy & ClaimPolicy): UserStore {
  const find = sharedReads(
    database,
    (wanted) => Prisma.sql`SELECT ${userWithPasswordColumns} FROM ${tables.user} u WHERE u.id ${wanted}`,
    (user: UserWithPassword) => user
  )

  const findWithKey = async (email: Email) => {
    const rows = await query<AddressedUser & { readonly emailKey: string }>(database)`${prepared}
      SELECT ${userWithPasswordColumns}, u.email_key AS "emailKey" FROM ${tables.user} u
      WHERE u.email_key IN (${Prisma.join([email.key, ...olderKeysOf(email)])})
      ORDER BY u.email_key = ${email.olderKey} DESC`
    // An older key can belong to another domain: faß.de was stored as fass.de.
    return rows.find(({ emailKey, email: address }) => emailKey === email.key || readEmail(address)?.key === email.key)
  }

  const findByEmail: UserStore['findByEmail'] = async (email) => {
    const found = await findWithKey(email)
    if (found === undefined) return undefined
    const { emailKey: _, ...user } = found
    return user
  }

  const olderKeyOf = async (email: Email) => {
    const key = olderKeysOf(email).length === 0 ? email.key : (await findWithKey(email))?.emailKey
    return key === email.key ? undefined : key
  }

  return {
    ...userChanges(database, policy),
    ...passwordResets(database, policy),
    ...addressChanges(database, policy),
    ...profiles(database),
    ...emailVerification(database),
    ...registrations(database, olderKeyOf),

    async create(user, actor) {
      if ((await olderKeyOf(user.email)) !== undefined) return 'email_taken'
      return orTaken(database.run((prisma) => prisma.$transaction((prisma) => insertUser(prisma, user, actor))))
    },

    async createExternal(user, actor) {
      const email = user.verifiedEmail
      if (email && (await olderKeyOf(email)) !== undefined) return 'email_taken'
      const insert = (prisma: Statements) => insertUser(prisma, user, actor)
      try {
        // Without an address it is one statement.
        return await orTaken(database.run((prisma) => (email ? prisma.$transaction(insert) : insert(prisma))))
      } catch (error) {
        if (error instanceof ExternalIdTaken) return 'external_id_taken'
        throw error
      }
    },

    find,
    findByEmail,

    async findByExternalId(externalId) {
      const [user] = await query<UserWithPassword>(database)`
        SELECT ${userWithPasswordColumns} FROM ${tables.user} u WHERE u.external_id = ${externalId}`
      return user
    },

    async list({ emailPrefix }, page) {
      const conditions = where([
        emailPrefix === undefined ? undefined : beginsWithOneOf(keysThatBegin(emailPrefix)),
        newestFirst.after(page.cursor)
      ])
      const rows = await query<User>(database)`
        SELECT ${userColumns} FROM ${tables.user} u ${conditions}
        ORDER BY u.created_at DESC, u.id DESC LIMIT ${page.limit + 1}`
      return newestFirst.page(rows, page)
    },

    async anyWithRole(role) {
      const rows = await query<unknown>(database)`
        SELECT 1 FROM ${tables.user} u WHERE u.roles @> ARRAY[${role}]::text[] AND u.disabled_at IS NULL LIMIT 1`
      return rows.length > 0
    },

    async upgradePasswordHash(id, oldHash, newHash) {
      await execute(database)`
        WITH upgraded AS (
          UPDATE ${tables.user} SET password_hash = ${newHash} WHERE id = ${id}::uuid AND password_hash = ${oldHash}
          RETURNING id
        )
        ${rebindLinks(id, oldHash, newHash, Prisma.sql`EXISTS (SELECT 1 FROM upgraded)`)}`
    }
  }
}

/**
 * The keys under which releases before 0.2 may have stored the account of an address with an internationalized domain.
 * None for any other address.
 */
function olderKeysOf({ key, olderKey }: Email): readonly string[] {
  const at = key.lastIndexOf('@') + 1
  const domain = domainToUnicode(key.slice(at))
  const ofUnicode = readEmail(key.slice(0, at) + domain)?.olderKey
  return [...new Set([olderKey, ofUnicode ?? olderKey])].filter((older) => older !== key)
}

/** The beginnings of the keys, new and older, of the addresses that begin with `text`. */
function keysThatBegin(text: string): readonly string[] {
  const email = readEmail(text)
  return email === undefined ? [text.toLowerCase()] : [email.key, ...olderKeysOf(email)]
}

/** One condition for each prefix: `LIKE ANY` would not use the index. */
const beginsWithOneOf = (prefixes: readonly string[]) =>
  Prisma.sql`(${Prisma.join(
    prefixes.map((prefix) => Prisma.sql`u.email_key LIKE ${literalPattern(prefix)}`),
    ' OR '
  )})`

/** A LIKE pattern for texts that begin with `prefix`; its wildcards are escaped. */
const literalPattern = (prefix: string) => `${prefix.replace(/[\\%_]/g, '\\$&')}%`
