import { mailKinds } from '../../../core/mail.js'
import { noticeLimits } from '../../../core/rate-limits.js'
import type { Actor } from '../../../ports/events.js'
import type { NewMail } from '../../../ports/mail.js'
import { Prisma } from '../generated/client.js'
import { tables } from '../tables.js'
import { clock, seconds } from './fragments.js'

/**
 * An INSERT of mails, due at once: a statement of a transaction, or a CTE beside the change that they tell of. With
 * `condition`, only where it is true, as `EXISTS (SELECT 1 FROM changed)`.
 */
export const insertMails = (mails: readonly NewMail[], condition = Prisma.sql`true`) =>
  insertMailsAs(mails, {
    condition,
    nextAttemptAt: clock,
    doneAt: Prisma.sql`NULL`,
    outcome: Prisma.sql`NULL`
  })

/**
 * An INSERT of mails that are never sent, for a change that must take as long as one with mails. A mail to nobody gets
 * the outcome `pretended`, which no listing shows.
 */
export const insertDroppedMails = (mails: readonly NewMail[]) =>
  insertMailsAs(mails, {
    condition: Prisma.sql`true`,
    nextAttemptAt: Prisma.sql`NULL`,
    doneAt: clock,
    outcome: Prisma.sql`CASE WHEN m.recipient = '' THEN 'pretended' ELSE 'dropped' END`
  })

function insertMailsAs(
  mails: readonly NewMail[],
  state: {
    readonly condition: Prisma.Sql
    readonly nextAttemptAt: Prisma.Sql
    readonly doneAt: Prisma.Sql
    readonly outcome: Prisma.Sql
  }
) {
  return Prisma.sql`
    INSERT INTO ${tables.mail}
      (id, kind, user_id, recipient, locale, parameters, link_id, next_attempt_at, done_at, outcome)
    SELECT m.id, m.kind, m.user_id, m.recipient, m.locale, m.parameters::jsonb, m.link_id,
      ${state.nextAttemptAt}, ${state.doneAt}, ${state.outcome}
    FROM unnest(
      ${mails.map(({ id }) => id)}::uuid[], ${mails.map(({ kind }) => kind)}::text[],
      ${mails.map(({ userId }) => userId)}::uuid[], ${mails.map(({ recipient }) => recipient)}::text[],
      ${mails.map(({ locale }) => locale)}::text[], ${mails.map(({ parameters }) => JSON.stringify(parameters))}::text[],
      ${mails.map(({ linkId }) => linkId ?? null)}::uuid[]
    ) AS m(id, kind, user_id, recipient, locale, parameters, link_id)
    WHERE ${state.condition}`
}

/** In place of the account of `u`: a hash of the address, the same for every account that has it. */
const idOfAddress = Prisma.sql`substr(encode(sha256(convert_to(u.email_key, 'UTF8')), 'hex'), 1, 32)::uuid`

/** Whether notices are written: only where mail is sent. */
export interface NoticePolicy {
  readonly notices: boolean
}

/**
 * An INSERT of notices of `kind` to the users `u` of the FROM clause `users`, at their addresses and in their
 * languages. Use it as a CTE in the statement that makes the change. `users` ends with a condition. Writes no notice
 * where no mail is sent, none to a user without an address, and none above the limit of the kind (see also `keepNoticeCounts`). `actor` made the change, and `device` is the name of the
 * session that the notice is about.
 */
export function insertNotices(
  { notices }: NoticePolicy,
  kind: keyof typeof noticeLimits,
  users: Prisma.Sql,
  { actor, device = Prisma.sql`NULL` }: { readonly actor: Actor; readonly device?: Prisma.Sql }
) {
  if (!notices) return Prisma.sql`SELECT 1 WHERE false`
  const { max, windowSeconds } = noticeLimits[kind]
  const values = {
    at: Prisma.sql`to_char(${clock} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
    ip: Prisma.sql`${actor.ip ?? null}::text`,
    user_agent: Prisma.sql`${actor.userAgent ?? null}::text`,
    device: Prisma.sql`${device}::text`
  }
  const parameters = mailKinds[kind].parameters.flatMap((name) => [Prisma.sql`${name}::text`, values[name]])
  return Prisma.sql`
    INSERT INTO ${tables.mail} (id, kind, user_id, recipient, locale, parameters, next_attempt_at)
    SELECT gen_random_uuid(), ${kind}, u.id, u.email, u.locale, jsonb_build_object(${Prisma.join(parameters)}), ${clock}
    ${users} AND u.email <> '' AND (
      SELECT count(*) FROM (
        SELECT 1 FROM ${tables.mail} m
        WHERE m.user_id IN (u.id, ${idOfAddress}) AND m.kind = ${kind}
          AND m.created_at > ${clock} - ${seconds(windowSeconds)} LIMIT ${max}
      ) recent
    ) < ${max}`
}

/**
 * An INSERT that goes on counting the notices to an address that nobody has confirmed, when its account is deleted or gets
 * another address. Otherwise a stranger could flood the address with ever new accounts. Use it as a CTE beside the
 * change. The rows do not have the address, are never sent, and no listing shows them.
 */
export const keepNoticeCounts = (userId: string) => Prisma.sql`
  INSERT INTO ${tables.mail} (id, kind, user_id, recipient, parameters, created_at, done_at, outcome)
  SELECT gen_random_uuid(), m.kind, ${idOfAddress}, '', jsonb_build_object(), m.created_at, ${clock}, 'pretended'
  FROM ${tables.user} u JOIN ${tables.mail} m ON m.user_id = u.id
  WHERE u.id = ${userId}::uuid AND u.email_verified_at IS NULL AND m.kind = ANY(${Object.keys(noticeLimits)}::text[])
    AND m.created_at > ${clock} - ${seconds(longestNoticeWindowSeconds)}`

const longestNoticeWindowSeconds = Math.max(...Object.values(noticeLimits).map(({ windowSeconds }) => windowSeconds))
