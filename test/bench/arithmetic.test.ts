import t, { type Test } from 'tap'
import type { Sample } from '../../bench/compare/measure.js'
import { cpuBetween, cpuMilliseconds, cpuTimes, parentIn, postgresProcesses } from '../../bench/compare/processes.js'
import { mebibytesIn } from '../../bench/compare/start-up.js'
import { median, rounded, startComparison, startTable } from '../../bench/compare/table.js'

t.test('a median is the middle value, or the upper one of two, whatever the order', async (t) => {
  t.equal(median([10, 9, 100]), 10)
  t.equal(median([4, 1, 3, 2]), 3)
  t.ok(Number.isNaN(median([])))
})

t.test('a figure that cannot be measured is a dash', async (t) => {
  t.equal(rounded(1.25, 1), '1.3')
  t.equal(rounded(1234.5), '1235')
  t.equal(rounded(Number.NaN), '–')
  t.equal(rounded(1 / 0), '–')
})

const sample = (perSecond: number, nodeMicroseconds: number, postgresMicroseconds: number): Sample => ({
  perSecond,
  nodeMicroseconds,
  postgresMicroseconds,
  p99Milliseconds: 2.25,
  walBytes: 100
})

/** The cells of each line that `print` prints. */
function printed(t: Test, print: () => void): string[][] {
  const lines = t.capture(console, 'log')
  print()
  const cells = lines().map(({ args: [line = ''] }) => String(line).split('|').slice(1, -1))
  return cells.map((row) => row.map((cell) => cell.trim())).filter((row) => row.length > 0)
}

t.test('a ratio is the median of the ratios of the rounds, with the lowest and the highest', async (t) => {
  const limit = [sample(1000, 50, 50), sample(2000, 50, 50), sample(4000, 50, 50)]
  const samples = [sample(500, 150, 50), sample(500, 150, 50), sample(3000, 150, 50)]
  const [, , ...lines] = printed(t, () => {
    const print = startComparison()
    print({ title: 'a request', connections: 8, name: 'the limit', samples: limit, limit })
    print({ title: 'a request', connections: 8, name: 'a server', samples, limit })
  })
  t.strictSame(lines, [
    ['a request', '8', 'the limit', '1', '1', '2000', '2.3', '50', '50', '100'],
    ['a request', '8', 'a server', '0.50 (0.25–0.75)', '0.50', '500', '2.3', '150', '50', '100']
  ])
})

t.test('without a PostgreSQL process to read, the CPU ratio is that of Node', async (t) => {
  const limit = [sample(100, 50, Number.NaN)]
  const samples = [sample(100, 200, Number.NaN)]
  const line = printed(t, () => startComparison()({ title: '', connections: 1, name: '', samples, limit })).at(-1)
  t.strictSame(line?.slice(4), ['0.25', '100', '2.3', '200', '–', '100'])
})

t.test('a table has its head once, numbers at the right', async (t) => {
  const lines = t.capture(console, 'log')
  const print = startTable([
    ['name', 6],
    ['ms', -4]
  ])
  print(['a', '1'])
  print(['b', '20'])
  t.strictSame(
    lines().map(({ args }) => args[0]),
    [undefined, '| name   |   ms |', '| ---    | ---: |', '| a      |    1 |', '| b      |   20 |']
  )
})

t.test('CPU time counts what processes used in between, also those that began in between', async (t) => {
  const before = new Map([
    [1, 100],
    [2, 50],
    [3, 7]
  ])
  const after = new Map([
    [1, 130],
    [2, 50],
    [4, 5]
  ])
  t.equal(cpuBetween(before, after), 35)
  t.ok(Number.isNaN(cpuBetween(before, new Map())))
})

t.test('the parent of a process is found behind any name of it', async (t) => {
  t.equal(parentIn('812 (postgres) S 17 812 812 0 -1'), 17)
  t.equal(parentIn('812 (a) S 5 (b)) R 23 812 812 0 -1'), 23)
})

t.test('the resident memory is a line of the status', async (t) => {
  t.equal(mebibytesIn('VmHWM:\t  99999 kB\nVmRSS:\t   2048 kB\nRssAnon:\t    1024 kB\n'), 2)
})

t.test('the CPU time of a process is read from /proc', { skip: process.platform !== 'linux' && 'Linux' }, async (t) => {
  const { user, system } = process.cpuUsage()
  const read = cpuMilliseconds(process.pid)
  t.ok(read > 0 && read >= ((user + system) / 1000) * 0.5, `${read} ms`)
  t.ok(read <= (user + system) / 500 + 1000, `${read} ms`)
  t.ok((cpuTimes([process.pid]).get(process.pid) ?? 0) >= read)
  t.equal(cpuTimes([2 ** 30]).size, 0, 'a process that has ended')
  t.strictSame(postgresProcesses(process.pid), [], 'this process is no child of a PostgreSQL server')
})
