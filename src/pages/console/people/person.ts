import { request } from '../../shared/connection.js'
import { deviceName, deviceRow, rowButton } from '../../shared/device-row.js'
import { ask } from '../../shared/dialog.js'
import { byId, detail, element, replaceChildren } from '../../shared/dom.js'
import { hasPasswords } from '../../shared/features.js'
import type { AdminSessions, Events, Mails, Revoked, User, UserDetails } from '../../shared/responses.js'
import { onClick, showStatus } from '../../shared/status.js'
import { timeElement } from '../../shared/timeline.js'
import { reasonWords } from '../../shared/words/event-words.js'
import { sentence } from '../../shared/words/words.js'
import { mailRow } from '../mail/mails.js'
import { editAttributes, prepareAttributes, readable } from './attributes.js'
import { eventItem } from './event-item.js'
import { noteField, noteOf } from './note.js'
import { securedAccount, startReset } from './password-reset.js'
import { personName } from './person-name.js'
import { wordsOf } from './roles.js'
import { openTimelines, sessionTimeline } from './session-timeline.js'

type Session = AdminSessions['sessions'][number]
type Event = Events['events'][number]

const panel = byId('person', HTMLElement)

/** How many of a user's events are loaded. */
const eventLimit = 100

/** How many of the person's newest mails are shown. */
const mailLimit = 10

let changed: () => Promise<void> = async () => undefined

/** `afterChange` runs after each change to the user or their sessions. */
export function preparePerson(afterChange: () => Promise<void>): void {
  changed = afterChange
  prepareAttributes(afterChange)
}

/** Shows a user: account, live sessions, ended sessions, mails and account events. */
export async function loadPerson(id: string): Promise<void> {
  const [getsLinks, user, { sessions }, { events }, { mails }] = await Promise.all([
    hasPasswords(),
    request<UserDetails>('GET', `admin/users/${id}`),
    request<AdminSessions>('GET', `admin/users/${id}/sessions`),
    request<Events>('GET', `admin/events?user_id=${id}&limit=${eventLimit}`),
    request<Mails>('GET', `admin/mails?user_id=${id}&limit=${mailLimit}`)
  ])
  const open = openTimelines(panel)
  const title = element('h3', { id: 'person-title', tabindex: '-1' }, personName(user))
  const live = new Set(sessions.map((session) => session.id))
  const ended = events.filter(({ type, session_id: sid }) => type === 'session_ended' && sid !== null && !live.has(sid))
  const liveRows = sessions.map((session) => liveRow(session, open))
  const endedRows = ended.map((event) => endedRow(event, open))
  const accountEvents = events.filter(({ session_id: sid }) => sid === null)
  panel.hidden = false
  replaceChildren(
    panel,
    [
      element('div', { class: 'heading' }, title, element('p', { class: 'badges' }, ...badges(user))),
      detail(element('code', {}, user.id), ' · account created ', timeElement(user.created_at)),
      ...accountDetails(user),
      element('p', { class: 'actions start' }, ...actions(user, sessions.length, getsLinks && user.email !== null)),
      ...documentPart(`attributes of ${user.id}`, 'Attributes', user.attributes),
      ...documentPart(
        `profile of ${user.id}`,
        'Profile',
        user.profile,
        'This person has written it. Admins can only read it.'
      ),
      element('h4', {}, `Live sessions (${sessions.length})`),
      rowsOr('None.', liveRows),
      element('h4', {}, 'Ended sessions'),
      rowsOr('None recently.', endedRows),
      element('h4', {}, 'Mails'),
      rowsOr(
        'None in the last days.',
        mails.map((mail) => mailRow(mail, 'of one person'))
      ),
      element('h4', {}, 'Account'),
      element('ol', { class: 'timeline' }, ...accountEvents.map(eventItem))
    ],
    title
  )
}

/** Badges for the state `disabled` and for each role. */
export function badges({ roles, disabled }: User): HTMLSpanElement[] {
  const state = disabled ? [element('span', { class: 'badge bad' }, 'disabled')] : []
  return [...state, ...roles.map((role) => element('span', { class: 'badge' }, role))]
}

/** Where the account comes from, and what is known of its address. */
function accountDetails({ email, email_verified: isVerified, external_id: externalId }: User): HTMLElement[] {
  const host = externalId === null ? [] : [detail('Known to the app as ', element('code', {}, externalId))]
  if (email === null) return [...host, detail('There is no e-mail address.')]
  return [...host, detail(isVerified ? 'The address is confirmed.' : 'The address is not confirmed.')]
}

/** A document as JSON. A long one scrolls, so the keyboard can focus it. */
function documentPart(key: string, name: string, document: User['attributes'], hint?: string): HTMLElement[] {
  const isEmpty = Object.keys(document).length === 0
  const attributes = {
    class: 'document',
    tabindex: '0',
    role: 'group',
    'aria-label': name,
    'data-key': key,
    dir: 'ltr'
  }
  return [
    element('h4', {}, name),
    ...(hint === undefined ? [] : [element('p', { class: 'hint' }, hint)]),
    isEmpty ? element('p', { class: 'hint' }, 'None.') : element('pre', attributes, readable(document))
  ]
}

const rowsOr = (nothing: string, rows: readonly HTMLLIElement[]) =>
  rows.length === 0 ? element('p', { class: 'hint' }, nothing) : element('ul', { class: 'rows' }, ...rows)

/** What an admin can do. A link for a password is of use only to a person with an address, where there are passwords. */
function actions(user: User, sessions: number, getsLinks: boolean): HTMLButtonElement[] {
  return [
    actionButton('Roles…', 'quiet', () => changeRoles(user)),
    actionButton('Attributes…', 'quiet', async () => editAttributes(user)),
    user.disabled
      ? actionButton('Enable…', 'quiet', () => enable(user))
      : actionButton('Disable…', 'quiet danger', () => disable(user)),
    ...(getsLinks ? [actionButton('Password reset…', 'quiet', () => thenReload(startReset(user)))] : []),
    ...(sessions === 0 ? [] : [actionButton('End all sessions…', 'quiet danger', () => endAll(user))]),
    ...(getsLinks ? [actionButton('Compromised…', 'quiet danger', () => thenReload(securedAccount(user)))] : [])
  ]
}

async function thenReload(action: Promise<boolean>): Promise<void> {
  if (await action) await changed()
}

function actionButton(label: string, className: string, action: () => Promise<void>): HTMLButtonElement {
  const attributes = { type: 'button', class: className, 'data-key': `person ${label}` }
  return onClick(element('button', attributes, label), action)
}

async function changeRoles(user: User): Promise<void> {
  const answer = await ask({
    title: `Roles of ${personName(user)}`,
    text: 'Separated by spaces. Access tokens with the old roles are refused at once; the user stays signed in.',
    confirm: 'Save',
    field: { label: 'Roles', value: user.roles.join(' '), maxLength: 1000 }
  })
  if (answer === undefined) return
  const roles = wordsOf(answer.value)
  await request('PATCH', `admin/users/${user.id}`, { roles })
  await changed()
  showStatus(
    roles.length === 0
      ? `${personName(user)} has no roles now.`
      : `${personName(user)} has the roles ${roles.join(', ')} now.`
  )
}

async function disable(user: User): Promise<void> {
  const answer = await ask({
    title: `Disable ${personName(user)}?`,
    text: 'All their sessions end at once, and they cannot sign in until the account is enabled.',
    confirm: 'Disable',
    dangerous: true
  })
  if (answer !== undefined) await setDisabled(user, true)
}

async function enable(user: User): Promise<void> {
  const answer = await ask({ title: `Enable ${personName(user)}?`, text: 'They can sign in again.', confirm: 'Enable' })
  if (answer !== undefined) await setDisabled(user, false)
}

async function setDisabled(user: User, disabled: boolean): Promise<void> {
  await request('PATCH', `admin/users/${user.id}`, { disabled })
  await changed()
  showStatus(`${personName(user)} is ${disabled ? 'disabled' : 'enabled'}.`)
}

async function endAll(user: User): Promise<void> {
  const answer = await ask({
    title: `End all sessions of ${personName(user)}?`,
    text: 'Each device must sign in again.',
    confirm: 'End all sessions',
    dangerous: true,
    field: noteField
  })
  if (answer === undefined) return
  const path = `admin/users/${user.id}/sessions`
  const { revoked } = await request<Revoked>('DELETE', path, noteOf(answer.value))
  await changed()
  showStatus(revoked === 1 ? 'One session has ended.' : `${revoked} sessions have ended.`)
}

function liveRow(session: Session, open: ReadonlySet<string>): HTMLLIElement {
  const end = onClick(rowButton('End…', session, { class: 'quiet danger' }), async () => {
    const answer = await ask({
      title: `End the session on “${deviceName(session)}”?`,
      text: 'That device must sign in again.',
      confirm: 'End session',
      dangerous: true,
      field: noteField
    })
    if (answer === undefined) return
    await request('DELETE', `admin/sessions/${session.id}`, noteOf(answer.value))
    await changed()
    showStatus('The session has ended.')
  })
  return deviceRow(session, [end], sessionTimeline(session.id, open))
}

/** The event log is all that remains of an ended session. */
function endedRow(event: Event, open: ReadonlySet<string>): HTMLLIElement {
  const sid = event.session_id ?? ''
  return element(
    'li',
    { class: 'ended', 'data-session': sid },
    element('p', { class: 'name' }, sentence(reasonWords(event.reason))),
    detail('Ended ', timeElement(event.at)),
    sessionTimeline(sid, open)
  )
}
