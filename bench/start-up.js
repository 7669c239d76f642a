// Measures the time of a start, the memory, and the time of a refresh, of the build in dist/ on the embedded database.
// Prints medians of several runs.
//   npm run build && node bench/start-up.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const runs = 5
const refreshes = 300
const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

const results = []
for (let run = 0; run < runs; run++) results.push(await measure())

console.log(`${cpus()[0].model}, ${availableParallelism()} threads, Node ${process.version}; medians of ${runs} runs`)
for (const [name, unit] of [
  ['start, empty folder', 'ms'],
  ['start again', 'ms'],
  ['memory after the first start', 'MiB'],
  ['memory after the next start', 'MiB'],
  [`memory after ${refreshes} refreshes`, 'MiB'],
  ['refresh, one after another', 'ms'],
  ['stop', 'ms']
]) {
  console.log(`${name.padEnd(30)} ${median(results.map((result) => result[name]))} ${unit}`)
}

async function measure() {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
  try {
    const cold = await start(dataDir)
    const memoryAtFirst = await memoryOf(cold.child)
    await stop(cold.child)
    const warm = await start(dataDir)
    const memoryAtStart = await memoryOf(warm.child)
    const perRefresh = await refresh(warm.url)
    const memoryAfter = await memoryOf(warm.child)
    return {
      'start, empty folder': Math.round(cold.milliseconds),
      'start again': Math.round(warm.milliseconds),
      'memory after the first start': memoryAtFirst,
      'memory after the next start': memoryAtStart,
      [`memory after ${refreshes} refreshes`]: memoryAfter,
      'refresh, one after another': Number(perRefresh.toFixed(1)),
      stop: Math.round(await stop(warm.child))
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** Measures from the spawn to the line with the address. */
async function start(dataDir) {
  const from = performance.now()
  // Strict rotation: every refresh writes.
  const env = {
    PATH: process.env.PATH,
    DATA_DIR: dataDir,
    PORT: '0',
    REFRESH_GRACE_SECONDS: '0',
    RATE_LIMIT_ENABLED: 'false',
    LOG_LEVEL: 'info'
  }
  const child = spawn(process.execPath, [main, 'serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise((resolve, reject) => {
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
      const address = /Latchkey listens at (http:[^\s"]+)/.exec(printed)?.[1]
      if (address !== undefined) resolve(address)
    })
    child.once('exit', () => reject(new Error(`The service did not start: ${printed}`)))
  })
  return { child, url, milliseconds: performance.now() - from }
}

async function stop(child) {
  const from = performance.now()
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
  return performance.now() - from
}

/** Milliseconds per refresh. */
async function refresh(url) {
  const email = `${crypto.randomUUID()}@example.com`
  let { refresh_token } = await post(`${url}/register`, { email, password: 'a rather long password', mode: 'body' })
  const from = performance.now()
  for (let i = 0; i < refreshes; i++) ({ refresh_token } = await post(`${url}/refresh`, { refresh_token }))
  return (performance.now() - from) / refreshes
}

async function post(url, content) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(content)
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

/** Resident memory in MiB (Linux). */
async function memoryOf({ pid }) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024)
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
}
