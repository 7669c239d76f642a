import { type MailRecord, type MailState, mailStates } from '../../ports/mail.js'
import { findMails } from '../../service/admin/listings.js'
import { defineCommand, UsageError } from '../command.js'
import { withPorts } from '../context.js'
import { findUserId } from '../ids.js'
import { type Columns, jsonOption, printPage, time } from '../output.js'
import { pagingOptions, readPage, readPaging } from '../paging.js'

const timeOrNull = (milliseconds: number | null) => (milliseconds === null ? null : time(milliseconds))

const columns: Columns<MailRecord> = {
  id: (mail) => mail.id,
  created_at: (mail) => time(mail.createdAt),
  kind: (mail) => mail.kind,
  state: (mail) => mail.state,
  recipient: (mail) => mail.recipient,
  user_id: (mail) => mail.userId,
  attempts: (mail) => mail.attempts,
  next_attempt_at: (mail) => timeOrNull(mail.nextAttemptAt),
  done_at: (mail) => timeOrNull(mail.doneAt),
  last_error: (mail) => mail.lastError
}

export const mailList = defineCommand({
  name: 'mail list',
  summary: 'Show the mails of the last 7 days and what became of them, newest first.',
  options: {
    user: { type: 'string', summary: 'Only mails about this user: an id or an e-mail address.' },
    state: { type: 'string', summary: `Only mails in this state: ${mailStates.join(', ')}.` },
    ...pagingOptions,
    ...jsonOption
  },
  async run({ options }, context) {
    const paging = readPaging(options)
    const state = options.state === undefined ? undefined : requireState(options.state)
    await withPorts(context, async (ports) => {
      const userId = options.user === undefined ? undefined : await findUserId(ports, options.user)
      const page = await readPage(findMails(ports, { userId, state }, paging))
      printPage(context.terminal, options, 'mails', columns, page)
    })
  }
})

function requireState(text: string): MailState {
  const state = mailStates.find((known) => known === text)
  if (state === undefined) throw new UsageError(`--state must be one of ${mailStates.join(', ')}.`)
  return state
}
