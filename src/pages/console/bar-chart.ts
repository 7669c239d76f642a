import { svg } from '../shared/dom.js'

const width = 240
const height = 40
const gap = 1

/** One bar for each value, oldest first; `description` says in words what it shows. */
export function barChart(values: readonly number[], description: string): SVGSVGElement {
  const most = Math.max(1, ...values)
  const step = width / values.length
  const bars = values.map((value, index) => {
    // Nothing is a thin line, so that the hour is seen as a whole; anything is seen to be more than nothing.
    const tall = value === 0 ? 1 : Math.max(4, Math.round((value / most) * height))
    return svg('rect', {
      x: (index * step + gap / 2).toFixed(2),
      y: String(height - tall),
      width: (step - gap).toFixed(2),
      height: String(tall),
      ...(value === 0 && { class: 'none' })
    })
  })
  return svg(
    'svg',
    {
      class: 'chart',
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': description
    },
    ...bars
  )
}
