import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

/**
 * How long a session that one instance ends is still accepted by another: two processes on one
 * PostgreSQL server, named by TEST_DATABASE_URL. Prints p50, p99 and the longest, in milliseconds.
 */
const count = Number(process.argv[2] ?? 300)
const serverUrl = process.env.TEST_DATABASE_URL
if (serverUrl === undefined) throw new Error('Set TEST_DATABASE_URL.')
const schema = `bench_${randomUUID().replaceAll('-', '')}`
const url = new URL(serverUrl)
url.searchParams.set('schema', schema)
const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url))

function start() {
  const settings = { PORT: '0', BCRYPT_COST: '4', RATE_LIMIT_ENABLED: 'false', MAX_SESSIONS_PER_USER: '10000' }
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: url.href,
    ROOT_SECRET: 'r'.repeat(32),
    ISSUER: 'http://bench',
    ...settings
  }
  const child = spawn(process.execPath, [main, 'serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  process.once('exit', () => child.kill('SIGKILL'))
  const address = new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = /Latchkey listens at (http:[^\s"]+)/.exec(text)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', () => reject(new Error(text)))
  })
  return { child, address }
}

async function post(address: string, payload: object): Promise<{ access_token: string; session_id: string }> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify(payload) })
  return (await response.json()) as { access_token: string; session_id: string }
}

const instances = [start(), start()]
try {
  const [a = '', b = ''] = await Promise.all(instances.map(({ address }) => address))
  const person = { email: 'bench@example.test', password: 'correct horse battery staple', mode: 'body' }
  await post(`${a}/register`, person)
  const times: number[] = []
  for (let round = 0; round < count; round++) {
    const { access_token } = await post(`${a}/login`, person)
    const headers = { authorization: `Bearer ${access_token}` }
    const isAccepted = async () => (await fetch(`${b}/me`, { headers })).status === 200
    if (!(await isAccepted())) throw new Error('B refuses an honest session.')
    const { status } = await fetch(`${a}/logout`, { method: 'POST', headers })
    if (status !== 204) throw new Error(`Logging out answered ${status}.`)
    const ended = performance.now()
    while (await isAccepted()) if (performance.now() - ended > 10_000) throw new Error('B still accepts it after 10 s.')
    times.push(performance.now() - ended)
  }
  times.sort((x, y) => x - y)
  const at = (share: number) =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN).toFixed(1)
  console.log(
    `${count} sessions ended on A; B refused after: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`
  )
} finally {
  for (const { child } of instances) child.kill('SIGTERM')
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
  await client.end()
}
