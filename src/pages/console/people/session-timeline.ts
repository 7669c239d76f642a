import { maxPageLimit } from '../../../core/vocabulary.js'
import { request } from '../../shared/connection.js'
import { detail, element } from '../../shared/dom.js'
import type { Events } from '../../shared/responses.js'
import { attempt } from '../../shared/status.js'
import { eventItem } from './event-item.js'

/** The ids of the sessions whose timelines are open, so they stay open when the list is drawn again. */
export function openTimelines(panel: HTMLElement): ReadonlySet<string> {
  const open = panel.querySelectorAll<HTMLDetailsElement>('details[open][data-of]')
  return new Set([...open].map(({ dataset }) => dataset.of ?? ''))
}

/** The events of one session, loaded when the timeline is opened. */
export function sessionTimeline(sid: string, open: ReadonlySet<string>): HTMLDetailsElement {
  const list = element('ol', { class: 'timeline' })
  const recoveries = detail()
  const details = element(
    'details',
    { 'data-of': sid, open: open.has(sid) },
    element('summary', { 'data-key': `timeline ${sid}` }, 'Timeline'),
    recoveries,
    list
  )
  const load = async () => {
    const { events } = await request<Events>('GET', `admin/events?session_id=${sid}&limit=${maxPageLimit}`)
    const count = events.filter(({ type }) => type === 'refresh_recovered').length
    recoveries.textContent =
      count > 1
        ? `${count} lost responses were recovered. If the network is good, a thief may have a copy of the token.`
        : ''
    list.replaceChildren(...events.map(eventItem))
  }
  details.addEventListener('toggle', () => {
    if (details.open) void attempt(load)
  })
  return details
}
