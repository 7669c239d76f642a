import type { NewMail } from '../../../ports/mail.js'
import { Prisma } from '../generated/client.js'
import { tables } from '../tables.js'
import { clock } from './fragments.js'

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
 * An INSERT of mails that are never sent, for a change that must take as long as one with mails. Mails to nobody are
 * `pretended`, which no listing shows.
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
