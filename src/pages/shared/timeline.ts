import { element } from './dom.js'
import { eventWords, reasonWords } from './event-words.js'
import { deviceWords, exactTime, placeWords, sentence, timeWords } from './words.js'

/** The members of an event that both pages show. Only admins receive `note`. */
export interface TimelineEvent {
  readonly type: string
  readonly at: string
  readonly reason: string | null
  readonly ip: string | null
  readonly user_agent: string | null
  readonly note?: string | null
}

/** One event of a timeline: what, why, from where, when. */
export function timelineItem(event: TimelineEvent): HTMLLIElement {
  const why = [reasonWords(event.reason), event.note ? `“${event.note}”` : ''].filter((text) => text !== '').join(': ')
  const from = event.ip === null ? '' : `${deviceWords(event.user_agent)}, ${placeWords(event.ip)}`
  return element(
    'li',
    { 'data-type': event.type, ...(event.reason === 'reuse_detected' && { class: 'alarming' }) },
    element('p', { class: 'what' }, eventWords(event.type)),
    ...(why === '' ? [] : [element('p', { class: 'detail' }, sentence(why))]),
    element('p', { class: 'detail' }, ...(from === '' ? [] : [`${from} · `]), timeElement(event.at))
  )
}

/** A relative time; the tooltip shows the exact one. */
export function timeElement(time: string): HTMLTimeElement {
  return element('time', { datetime: time, title: exactTime(time) }, timeWords(time))
}
