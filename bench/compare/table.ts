import type { Sample } from './measure.js'

export interface Line {
  readonly title: string
  readonly connections: number
  readonly name: string
  /** One for each round. */
  readonly samples: readonly Sample[]
  /** The limit's samples of the same rounds. */
  readonly limit: readonly Sample[]
}

const columns = [
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
] as const

/** The table is Markdown, so that it can be copied into a page. */
export function printHead(): void {
  printCells(columns.map(([title]) => title))
  printCells(columns.map(([, width]) => (width < 0 ? '---:' : '---')))
}

export function printLine({ title, connections, name, samples, limit }: Line): void {
  const ratios = samples.map(({ perSecond }, round) => perSecond / (limit[round]?.perSecond ?? Number.NaN))
  const spread = `(${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`
  const of = (figure: keyof Sample, digits = 0) => {
    const middle = median(samples.map((sample) => sample[figure]))
    return Number.isFinite(middle) ? middle.toFixed(digits) : '–'
  }
  printCells([
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

/** The CPU time of a request, of Node and PostgreSQL. Other work on the machine changes it less than the rate. */
function cpuOf(samples: readonly Sample[]): number {
  return median(
    samples.map(({ nodeMicroseconds, postgresMicroseconds }) => nodeMicroseconds + (postgresMicroseconds || 0))
  )
}

function printCells(cells: readonly string[]): void {
  const padded = cells.map((cell, i) => {
    const [, width = 0] = columns[i] ?? []
    return width < 0 ? cell.padStart(-width) : cell.padEnd(width)
  })
  console.log(`| ${padded.join(' | ')} |`)
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
