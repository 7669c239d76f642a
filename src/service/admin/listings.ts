import { maxCountedMails, maxCountedSessions } from '../../core/vocabulary.js'
import { readAddress } from '../../network-address.js'
import type {
  AuditEvent,
  Client,
  EventLog,
  MailLog,
  MailRecord,
  MailState,
  MinuteCounts,
  Page,
  PageRequest,
  Ports,
  Session,
  User
} from '../../ports/index.js'
import { readUser } from './read-user.js'

/** The live sessions of all users, newest first. `ip` can have any spelling. */
export function findSessions(
  ports: Pick<Ports, 'sessions'>,
  { userId, ip }: { readonly userId: string | undefined; readonly ip: string | undefined },
  page: PageRequest
): Promise<Page<Session>> {
  return ports.sessions.list({ userId, ip: ip && (readAddress(ip) ?? ip) }, page)
}

/** The live sessions of one user, newest first. */
export async function listSessionsOfUser(
  ports: Pick<Ports, 'sessions' | 'users'>,
  userId: string
): Promise<readonly Session[]> {
  await readUser(ports, userId)
  return ports.sessions.listOfUser(userId)
}

/** The users, newest first; with `email`, those whose address begins with it. */
export function listUsers(
  ports: Pick<Ports, 'users'>,
  { email }: { readonly email: string | undefined },
  page: PageRequest
): Promise<Page<User>> {
  return ports.users.list({ emailPrefix: email }, page)
}

/** The machine clients, newest first. */
export function listClients({ clients }: Pick<Ports, 'clients'>, page: PageRequest): Promise<Page<Client>> {
  return clients.list(page)
}

/** The event log, newest first. */
export function findEvents(
  ports: Pick<Ports, 'events'>,
  filter: Parameters<EventLog['list']>[0],
  page: PageRequest
): Promise<Page<AuditEvent>> {
  return ports.events.list(filter, page)
}

/** The mails that wait and those of the last 7 days, newest first. */
export function findMails(
  ports: Pick<Ports, 'mails'>,
  filter: Parameters<MailLog['list']>[0],
  page: PageRequest
): Promise<Page<MailRecord>> {
  return ports.mails.list(filter, page)
}

export interface MailStatus {
  /** What this instance does with mails. `printed`: only into the log, for development. */
  readonly delivery: 'sent' | 'printed' | 'off'
  readonly counts: Readonly<Record<MailState, number>>
}

/** What this instance does with mails, and how many mails are in each state. */
export async function readMailStatus({ mail, mails }: Pick<Ports, 'mail' | 'mails'>): Promise<MailStatus> {
  const delivery = !mail.isConfigured ? 'off' : mail.printsOnly ? 'printed' : 'sent'
  return { delivery, counts: await mails.count(maxCountedMails) }
}

/** The number of live sessions of all instances, and what this instance did in the last hour. */
export async function readCounts(
  ports: Pick<Ports, 'sessions' | 'metrics'>
): Promise<{ readonly sessions: number; readonly minutes: readonly MinuteCounts[] }> {
  return { sessions: await ports.sessions.count(maxCountedSessions), minutes: ports.metrics.lastHour() }
}
