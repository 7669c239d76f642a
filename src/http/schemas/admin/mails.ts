import { type Static, Type } from 'typebox'
import { maxCountedMails } from '../../../core/vocabulary.js'
import { type MailRecord, mailStates } from '../../../ports/mail.js'
import { id, nextCursor, nullable, page, query, requestId, time, timeView } from '../shared.js'

const state = Type.Enum([...mailStates], {
  description:
    '`bounced`: the mail server refused it for good. `given_up`: it could not be sent for a day. `dropped`: its link was used or is dead, or there were too many mails to the address.'
})

export const MailsQuery = query({ ...page, user_id: Type.Optional(requestId), state: Type.Optional(state) })

const Mail = Type.Object({
  id,
  kind: Type.String(),
  user_id: nullable(id),
  recipient: Type.String(),
  state,
  attempts: Type.Integer({ minimum: 0 }),
  created_at: time,
  next_attempt_at: nullable(time),
  done_at: nullable(time),
  last_error: nullable(
    Type.String({ description: "The mail server's last reply, or why the mail server could not be reached." })
  )
})
export const MailsPage = Type.Object({ mails: Type.Array(Mail), next_cursor: nextCursor })

export function mailView(mail: MailRecord): Static<typeof Mail> {
  return {
    id: mail.id,
    kind: mail.kind,
    user_id: mail.userId,
    recipient: mail.recipient,
    state: mail.state,
    attempts: mail.attempts,
    created_at: timeView(mail.createdAt),
    next_attempt_at: mail.nextAttemptAt === null ? null : timeView(mail.nextAttemptAt),
    done_at: mail.doneAt === null ? null : timeView(mail.doneAt),
    last_error: mail.lastError
  }
}

const count = Type.Integer({ minimum: 0, maximum: maxCountedMails })

export const MailStatusResponse = Type.Object({
  delivery: Type.Enum(['sent', 'printed', 'off'], {
    description: 'What this instance does with mails. `printed`: only into the log, for development.'
  }),
  counts: Type.Object(
    { pending: count, sent: count, bounced: count, given_up: count, dropped: count },
    {
      description: `Mails that wait, and those of the last 7 days. Each count stops at ${maxCountedMails.toLocaleString('en')}.`
    }
  )
})
