import { maxPageLimit } from '../../core/vocabulary.js'
import type { OwnEvents } from '../shared/answers.js'
import { request } from '../shared/connection.js'
import { byId, replaceChildren } from '../shared/dom.js'
import { onClick } from '../shared/status.js'
import { timelineItem } from '../shared/timeline.js'

const title = byId('activity-title', HTMLHeadingElement)
const list = byId('activity', HTMLOListElement)
const more = byId('more-activity', HTMLButtonElement)

/** How much is shown, and how much more each time it is asked for. */
const step = 8
let shown = step

export function prepareActivity(): void {
  onClick(more, async () => {
    shown += step
    await loadActivity()
  })
}

/** Shows what happened to the account last. */
export async function loadActivity(): Promise<void> {
  const limit = Math.min(shown, maxPageLimit)
  const { events, next_cursor: next } = await request<OwnEvents>('GET', `me/events?limit=${limit}`)
  more.hidden = next === null || limit === maxPageLimit
  replaceChildren(list, events.map(timelineItem), title)
}
