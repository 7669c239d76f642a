import { detail, element } from './dom.js'
import type { OwnEvents } from './responses.js'
import { eventWords, reasonWords } from './words/event-words.js'
import { deviceWords, exactTime, placeWords, sentence, timeWords } from './words/words.js'

/** An event of either page. Only admins receive `note` and `count`. */
export type TimelineEvent = OwnEvents['events'][number] & {
  readonly note?: string | null
  readonly count?: number
}

/** One event of a timeline: what, why, from where, when. */
export function timelineItem(event: TimelineEvent): HTMLLIElement {
  const why = [reasonWords(event.reason), event.note ? `“${event.note}”` : ''].filter((text) => text !== '').join(': ')
  const from = event.ip === null ? '' : `${deviceWords(event.user_agent)}, ${placeWords(event.ip)}`
  return element(
    'li',
    { 'data-type': event.type, ...(event.reason === 'reuse_detected' && { class: 'alarming' }) },
    element('p', { class: 'what' }, `${eventWords(event.type)}${(event.count ?? 1) > 1 ? ` × ${event.count}` : ''}`),
    ...(why === '' ? [] : [detail(sentence(why))]),
    detail(...(from === '' ? [] : [`${from} · `]), timeElement(event.at))
  )
}

/** A relative time; the tooltip shows the exact one. */
export function timeElement(time: string): HTMLTimeElement {
  return element('time', { datetime: time, title: exactTime(time) }, timeWords(time))
}
