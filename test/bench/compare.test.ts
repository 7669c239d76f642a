import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const databaseUrl = process.env.TEST_DATABASE_URL
const main = fileURLToPath(new URL('../../bench/compare/main.js', import.meta.url))

const heads =
  'request, connections, server, ratio (spread), CPU ratio, requests/s, p99 ms, Node µs, PostgreSQL µs, WAL B'

t.test(
  'a comparison fills every column for each server',
  {
    skip: databaseUrl === undefined && 'TEST_DATABASE_URL is not set'
  },
  async (t) => {
    const options = ['--only', 'guarded route, plugin', '--connections', '2', '--rounds', '1', '--seconds', '0.05']
    const child = spawn(process.execPath, [main, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = new Promise((resolve) => child.once('exit', resolve))
    const lines = (await text(child.stdout)).split('\n').filter((line) => line.startsWith('|'))
    t.equal(await exited, 0)
    const [head = [], , ...rows] = lines.map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
    )
    t.equal(head.join(', '), heads)
    t.strictSame(
      rows.slice(0, 2).map((row) => row.slice(0, 3)),
      [
        ['guarded route, plugin', '2', 'limit: bare route'],
        ['guarded route, plugin', '2', 'Latchkey']
      ]
    )
    for (const [, , server, ...figures] of rows) {
      const [ratio = '', cpuRatio, perSecond, p99, node] = figures
      t.match(ratio, server?.startsWith('limit') ? /^1$/ : /^\d+\.\d\d \(\d+\.\d\d–\d+\.\d\d\)$/)
      for (const figure of [cpuRatio, perSecond, p99]) t.ok(Number(figure) > 0, `${server}: ${figures}`)
      // From /proc, which other systems than Linux do not have.
      if (process.platform === 'linux') t.ok(Number(node) > 0, `${server}: ${figures}`)
    }
  }
)
