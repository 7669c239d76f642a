import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { type Agent, request } from 'node:http'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onServer } from '../test/support/database.js'

/** What the measurements of logins share: a service in its own process, requests to it, and percentiles. */

export const bcryptCost = '12'
export const person = { email: 'ada@example.test', password: 'correct horse battery staple', mode: 'body' }

export interface Answer {
  readonly status: number
  readonly body: string
}

export function send(
  agent: Agent,
  url: string,
  method: 'GET' | 'POST',
  payload?: object,
  accessToken?: string
): Promise<Answer> {
  const body = payload && JSON.stringify(payload)
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` })
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text })).on('error', reject)
    })
    sent.on('error', reject).end(body)
  })
}

/** The address that a service prints when it listens. */
export function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const read = (chunk: Buffer) => {
      text += chunk.toString()
      const found = /Latchkey listens at (http:[^\s"]+)/.exec(text)?.[1]
      if (found === undefined) return
      // Keep draining the output: a full pipe would block the child.
      child.stdout?.off('data', read).resume()
      resolve(found)
    }
    child.stdout?.on('data', read)
    child.once('exit', () => reject(new Error(text)))
  })
}

/**
 * Runs `measure` on Latchkey in its own process, on the PostgreSQL server of TEST_DATABASE_URL or else the embedded
 * database. `measure` ends the process.
 */
export async function withLatchkey(
  settings: Record<string, string>,
  measure: (child: ChildProcess) => Promise<void>
): Promise<void> {
  const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url))
  const schema = `bench_${randomUUID().replaceAll('-', '')}`
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const server = process.env.TEST_DATABASE_URL
  const env = {
    PATH: process.env.PATH,
    PORT: '0',
    LOG_LEVEL: 'info',
    ROOT_SECRET: 'r'.repeat(32),
    ISSUER: 'http://bench',
    BCRYPT_COST: bcryptCost,
    DATA_DIR: dataDir,
    ...(server !== undefined && { DATABASE_URL: `${server}${server.includes('?') ? '&' : '?'}schema=${schema}` }),
    ...settings
  }
  try {
    const child = spawn(process.execPath, [main, 'serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    process.once('exit', () => child.kill('SIGKILL'))
    await measure(child)
    await ended
  } finally {
    if (server !== undefined) await onServer((client) => client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`))
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** A percentile of sorted times, as text. */
export const at = (times: readonly number[], share: number) =>
  (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN).toFixed(1)

export function must({ status, body }: Answer): string {
  if (status >= 300) throw new Error(`${status} ${body}`)
  return body
}

export function printMachine(): void {
  const load = loadavg().map((average) => average.toFixed(1))
  console.log(`${cpus()[0]?.model}, ${availableParallelism()} threads, Node ${process.version}, load ${load.join(' ')}`)
}
