import type { Sample } from './measure.js'

/** A title and a width. A negative width puts numbers at the right. */
type Column = readonly [title: string, width: number]

/**
 * A function that prints the next line of a table in Markdown, which can be copied into a page, and its head first. Lines
 * appear when they are measured, so widths are given.
 */
export function startTable(columns: readonly Column[]): (cells: readonly string[]) => void {
  let isEmpty = true
  const print = (cells: readonly string[]) => {
    const padded = cells.map((cell, i) => {
      const [, width = 0] = columns[i] ?? []
      return width < 0 ? cell.padStart(-width) : cell.padEnd(width)
    })
    console.log(`| ${padded.join(' | ')} |`)
  }
  return (cells) => {
    if (isEmpty) {
      console.log()
      print(columns.map(([title]) => title))
      print(columns.map(([, width]) => (width < 0 ? '---:' : '---')))
    }
    isEmpty = false
    print(cells)
  }
}

export interface Line {
  readonly title: string
  readonly connections: number
  readonly name: string
  /** One for each round. */
  readonly samples: readonly Sample[]
  /** The limit's samples of the same rounds. */
  readonly limit: readonly Sample[]
}

/** The table that compares servers. */
export function startComparison(): (line: Line) => void {
  const print = startTable([
    ['request', 29],
    ['connections', -11],
    ['server', 25],
    ['ratio (spread)', 19],
    ['CPU ratio', -9],
    ['requests/s', -10],
    ['p99 ms', -7],
    ['Node µs', -7],
    ['PostgreSQL µs', -13],
    ['WAL B', -6]
  ])
  return ({ title, connections, name, samples, limit }) => {
    const ratios = samples.map(({ perSecond }, round) => perSecond / (limit[round]?.perSecond ?? Number.NaN))
    const spread = `(${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`
    const of = (figure: keyof Sample, digits = 0) => rounded(median(samples.map((sample) => sample[figure])), digits)
    print([
      title,
      String(connections),
      name,
      samples === limit ? '1' : `${median(ratios).toFixed(2)} ${spread}`,
      samples === limit ? '1' : (cpuOf(limit) / cpuOf(samples)).toFixed(2),
      of('perSecond'),
      of('p99Milliseconds', 1),
      of('nodeMicroseconds'),
      of('postgresMicroseconds'),
      of('walBytes')
    ])
  }
}

/** The CPU time of a request, of Node and PostgreSQL. Other work on the machine changes it less than the rate. */
function cpuOf(samples: readonly Sample[]): number {
  return median(
    samples.map(({ nodeMicroseconds, postgresMicroseconds }) => nodeMicroseconds + (postgresMicroseconds || 0))
  )
}

/** A dash for what cannot be measured here. */
export function rounded(figure: number, digits = 0): string {
  return Number.isFinite(figure) ? figure.toFixed(digits) : '–'
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
