import { type AuditEvent, type EventType, eventTypes } from '../../ports/events.js'
import { findEvents } from '../../service/admin/listings.js'
import { defineCommand, UsageError } from '../command.js'
import { withPorts } from '../context.js'
import { findUserId, requireId } from '../ids.js'
import { type Columns, jsonOption, printPage, time } from '../output.js'
import { pagingOptions, readPage, readPaging } from '../paging.js'

const columns: Columns<AuditEvent> = {
  id: (event) => event.id,
  at: (event) => time(event.at),
  type: (event) => event.type,
  count: (event) => event.count,
  reason: (event) => event.reason,
  user_id: (event) => event.userId,
  session_id: (event) => event.sessionId,
  actor_id: (event) => event.actorId,
  ip: (event) => event.ip,
  note: (event) => event.note,
  user_agent: (event) => event.userAgent
}

export const eventList = defineCommand({
  name: 'event list',
  summary: 'Show the event log, newest first.',
  options: {
    type: { type: 'string', summary: 'Only events of this type, such as session_ended.' },
    user: { type: 'string', summary: 'Only events of this user: an id or an e-mail address.' },
    session: { type: 'string', summary: 'Only events of this session.' },
    ...pagingOptions,
    ...jsonOption
  },
  async run({ options }, context) {
    const paging = readPaging(options)
    const type = options.type === undefined ? undefined : requireEventType(options.type)
    await withPorts(context, async (ports) => {
      const userId = options.user === undefined ? undefined : await findUserId(ports, options.user)
      const sessionId = options.session === undefined ? undefined : requireId(options.session)
      const page = await readPage(findEvents(ports, { type, userId, sessionId }, paging))
      printPage(context.terminal, options, 'events', columns, page)
    })
  }
})

function requireEventType(text: string): EventType {
  const type = eventTypes.find((known) => known === text)
  if (type === undefined) throw new UsageError(`--type must be one of ${eventTypes.join(', ')}.`)
  return type
}
