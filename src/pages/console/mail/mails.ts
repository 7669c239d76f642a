import { request } from '../../shared/connection.js'
import { byId, detail, element, replaceChildren } from '../../shared/dom.js'
import type { MailStatus, Mails } from '../../shared/responses.js'
import { onClick } from '../../shared/status.js'
import { timeElement } from '../../shared/timeline.js'
import { mailWords, stateWords } from './mail-words.js'

type Mail = Mails['mails'][number]
type State = Mail['state']

const title = byId('mail-title', HTMLHeadingElement)
const delivery = byId('mail-delivery', HTMLParagraphElement)
const counts = byId('mail-counts', HTMLDListElement)
const waiting = byId('mail-waiting', HTMLUListElement)
const failed = byId('mail-failed', HTMLUListElement)

/** How many mails a list shows. `latchkey mail list` shows all. */
const maxShown = 20

let showPerson: (userId: string) => Promise<void> = async () => undefined

/** `show` shows the person whom a mail is about. */
export function prepareMails(show: (userId: string) => Promise<void>): void {
  showPerson = show
}

/** Shows how many mails are in each state, and all mails that wait or have failed. */
export async function loadMails(): Promise<void> {
  const [status, pending, bounced, givenUp] = await Promise.all([
    request<MailStatus>('GET', 'admin/mails/status'),
    ...(['pending', 'bounced', 'given_up'] as const).map(mailsIn)
  ])
  delivery.textContent = deliveryWords[status.delivery]
  counts.replaceChildren(...(Object.keys(stateWords) as State[]).map((state) => count(state, status.counts[state])))
  const newestFailed = [...(bounced?.mails ?? []), ...(givenUp?.mails ?? [])].sort(newestFirst).slice(0, maxShown)
  showRows(waiting, pending?.mails ?? [], 'No mail waits.')
  showRows(failed, newestFailed, 'None in the last days.')
}

const mailsIn = (state: State) => request<Mails>('GET', `admin/mails?state=${state}&limit=${maxShown}`)

const newestFirst = (a: Mail, b: Mail) => Date.parse(b.created_at) - Date.parse(a.created_at)

const deliveryWords: Readonly<Record<MailStatus['delivery'], string>> = {
  sent: 'Mails are sent in the background, and tried again for a day. They are listed here for 7 days.',
  printed: 'MAIL_URL is not set. For development on this machine, mails are printed into the log, with their links.',
  off: 'Mail is off: set MAIL_URL and MAIL_FROM. Links can be shown here and handed over instead.'
}

const isFailed = (state: State) => state === 'bounced' || state === 'given_up'

function count(state: State, value: number): HTMLElement {
  const { label, hint } = stateWords[state]
  return element(
    'div',
    { title: `${label}: ${hint}`, ...(isFailed(state) && value > 0 && { class: 'alarming' }) },
    element('dt', {}, label),
    element('dd', {}, value.toLocaleString('en'))
  )
}

function showRows(list: HTMLUListElement, mails: readonly Mail[], nothing: string): void {
  const rows = mails.map((mail) => mailRow(mail, 'of everybody'))
  replaceChildren(list, rows.length === 0 ? [element('li', { class: 'hint' }, nothing)] : rows, title)
}

/** One mail: what it is, its state, and what the mail server said. */
export function mailRow(mail: Mail, list: 'of everybody' | 'of one person'): HTMLLIElement {
  const { state, last_error: error } = mail
  const kind = isFailed(state) ? 'badge bad' : state === 'sent' ? 'badge good' : 'badge'
  return element(
    'li',
    { 'data-mail': mail.id },
    element(
      'p',
      { class: 'badges' },
      element('span', { class: 'name' }, mailWords(mail.kind)),
      element('span', { class: kind }, stateWords[state].label)
    ),
    detail('To ', recipient(mail, list), ' · written ', timeElement(mail.created_at), ...attempts(mail)),
    ...(error === null ? [] : [detail(`“${error}”`)])
  )
}

function recipient({ id, user_id: userId, recipient }: Mail, list: Parameters<typeof mailRow>[1]): Node | string {
  if (list === 'of one person' || userId === null) return recipient
  const button = element('button', { type: 'button', class: 'link', 'data-key': `mail ${id}` }, recipient)
  return onClick(button, () => showPerson(userId))
}

function attempts(mail: Mail): readonly (Node | string)[] {
  const { state, attempts, last_error: error, next_attempt_at: next, done_at: done } = mail
  const tried = attempts > 1 ? [` · tried ${attempts} times`] : []
  if (state === 'pending') {
    if (attempts === 0 || next === null) return []
    // While an instance sends a mail, `next_attempt_at` is the time at which another instance would take it over.
    return error === null
      ? [' · being sent']
      : [...tried, ' · next try ', isNear(next) ? 'in a moment' : timeElement(next)]
  }
  const ended =
    done === null || state === 'dropped' ? [] : [` · ${stateWords[state].label.toLowerCase()} `, timeElement(done)]
  return [...tried, ...ended]
}

/** Whether a time is so near that no exact time helps: instances look for due mails every few seconds. */
const isNear = (time: string) => Date.parse(time) - Date.now() < 45_000
