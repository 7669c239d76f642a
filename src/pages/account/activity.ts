import { maxPageLimit } from '../../core/vocabulary.js'
import { request } from '../shared/connection.js'
import { byId, replaceChildren } from '../shared/dom.js'
import type { OwnEvents } from '../shared/responses.js'
import { onClick } from '../shared/status.js'
import { timelineItem } from '../shared/timeline.js'

const title = byId('activity-title', HTMLHeadingElement)
const list = byId('activity', HTMLOListElement)
const more = byId('more-activity', HTMLButtonElement)

/** How many events are shown at first, and how many more per click on “Show more”. */
const step = 8
let shown = step

export function prepareActivity(): void {
  onClick(more, async () => {
    shown += step
    await loadActivity()
  })
}

/** Shows the latest events of the account. */
export async function loadActivity(): Promise<void> {
  const limit = Math.min(shown, maxPageLimit)
  const { events, next_cursor: next } = await request<OwnEvents>('GET', `me/events?limit=${limit}`)
  more.hidden = next === null || limit === maxPageLimit
  replaceChildren(list, events.map(timelineItem), title)
}
