import { svg } from '../shared/dom.js'

const width = 240
const height = 40
const gap = 1

/** One bar per value, oldest first. Screen readers read `description`. */
export function barChart(values: readonly number[], description: string): SVGSVGElement {
  const highest = Math.max(1, ...values)
  const step = width / values.length
  const bars = values.map((value, index) => {
    // Zero is a thin line, so the axis stays visible; the smallest bar above zero is clearly taller.
    const barHeight = value === 0 ? 1 : Math.max(4, Math.round((value / highest) * height))
    return svg('rect', {
      x: (index * step + gap / 2).toFixed(2),
      y: String(height - barHeight),
      width: (step - gap).toFixed(2),
      height: String(barHeight),
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
