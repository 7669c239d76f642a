import { maxCountedSessions } from '../../core/vocabulary.js'
import { request } from '../shared/connection.js'
import { byId, element } from '../shared/dom.js'
import type { Counts } from '../shared/responses.js'
import { barChart } from './bar-chart.js'

type Minutes = Counts['minutes']
type Counted = Exclude<keyof Minutes[number], 'at'>

const place = byId('counts', HTMLDivElement)

const reloadMilliseconds = 5000

const hourly: readonly { readonly what: Counted; readonly label: string }[] = [
  { what: 'logins', label: 'Sign-ins' },
  { what: 'refreshes', label: 'Refreshes' },
  { what: 'revocations', label: 'Revocations' },
  { what: 'reuse', label: 'Reuse caught' }
]

/** Reloads the counts every few seconds while the page is visible and `isShown` returns true. */
export function watchCounts(isShown: () => boolean): void {
  setInterval(() => {
    if (isShown() && document.visibilityState === 'visible') void loadCounts().catch(() => undefined)
  }, reloadMilliseconds)
}

export async function loadCounts(): Promise<void> {
  const { sessions, minutes } = await request<Counts>('GET', 'admin/counts')
  const live = sessions.toLocaleString('en') + (sessions >= maxCountedSessions ? '+' : '')
  place.replaceChildren(
    tile('Live sessions', live, 'on all instances'),
    ...hourly.map(({ what, label }) => hourTile(label, what, minutes))
  )
}

function hourTile(label: string, what: Counted, minutes: Minutes): HTMLElement {
  const values = minutes.map((minute) => minute[what])
  const total = values.reduce((sum, value) => sum + value, 0)
  const highest = Math.max(...values)
  const description = `${label} by the minute, over the last hour: ${total} in all, ${highest} in the busiest minute.`
  const result = tile(label, total.toLocaleString('en'), 'in the last hour', barChart(values, description))
  if (what === 'reuse' && total > 0) result.classList.add('alarming')
  return result
}

function tile(label: string, value: string, hint: string, ...chart: readonly Node[]): HTMLElement {
  return element(
    'div',
    { class: 'tile' },
    element('p', { class: 'label' }, label),
    element('p', { class: 'value' }, `${value} `, element('span', { class: 'hint' }, hint)),
    ...chart
  )
}
