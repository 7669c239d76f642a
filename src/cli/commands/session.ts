import { sessionEnd } from '../../core/policy.js'
import { maxCountedRevoked } from '../../core/vocabulary.js'
import { commandLine } from '../../ports/events.js'
import type { Session } from '../../ports/sessions.js'
import { findSessions } from '../../service/admin/listings.js'
import { revokeAllSessions, revokeSession, revokeSessionsOfUser } from '../../service/admin/revoke-sessions.js'
import { defineCommand, UsageError } from '../command.js'
import { withPorts } from '../context.js'
import { findUserId, requireId } from '../ids.js'
import { type Columns, jsonOption, printDone, printPage, time } from '../output.js'
import { pagingOptions, readPage, readPaging } from '../paging.js'

const columns: Columns<Session> = {
  id: (session) => session.id,
  user_id: (session) => session.userId,
  mode: (session) => session.mode,
  device: (session) => session.device,
  ip: (session) => session.ip,
  created_at: (session) => time(session.createdAt),
  last_used_at: (session) => time(session.lastUsedAt),
  expires_at: (session) => time(sessionEnd(session)),
  user_agent: (session) => session.userAgent
}

const noteOption = { note: { type: 'string', summary: 'Why, for the event log.' } } as const

export const sessionList = defineCommand({
  name: 'session list',
  summary: 'List live sessions, newest first.',
  options: {
    user: { type: 'string', summary: 'Only sessions of this user: an id or an e-mail address.' },
    ip: { type: 'string', summary: 'Only sessions from this IP address.' },
    ...pagingOptions,
    ...jsonOption
  },
  async run({ options }, context) {
    const paging = readPaging(options)
    await withPorts(context, async (ports) => {
      const userId = options.user === undefined ? undefined : await findUserId(ports, options.user)
      const page = await readPage(findSessions(ports, { userId, ip: options.ip }, paging))
      printPage(context.terminal, options, 'sessions', columns, page)
    })
  }
})

export const sessionRevoke = defineCommand({
  name: 'session revoke',
  summary: 'End one session.',
  options: { ...noteOption, ...jsonOption },
  operands: ['SESSION'],
  run: ({ options, operands }, context) =>
    withPorts(context, async (ports) => {
      await revokeSession(ports, requireId(operands.SESSION), options.note, commandLine)
      printDone(context.terminal, options, 'The session has ended.', { revoked: 1 })
    })
})

export const sessionRevokeAll = defineCommand({
  name: 'session revoke-all',
  summary: 'End all sessions of one user, or of all users.',
  options: {
    user: { type: 'string', summary: 'The user: an id or an e-mail address.' },
    everybody: { type: 'boolean', summary: 'All users.' },
    ...noteOption,
    ...jsonOption
  },
  async run({ options: { user, everybody, note, ...style } }, context) {
    if ((user === undefined) === (everybody !== true)) throw new UsageError('Give either --user USER or --everybody.')
    await withPorts(context, async (ports) => {
      const revoked =
        user === undefined
          ? await revokeAllSessions(ports, commandLine)
          : await revokeSessionsOfUser(ports, await findUserId(ports, user), note, commandLine)
      const atLeast = everybody === true && revoked === maxCountedRevoked ? 'At least ' : ''
      printDone(context.terminal, style, `${atLeast}${revoked} session(s) have ended.`, { revoked })
    })
  }
})
