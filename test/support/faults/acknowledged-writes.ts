import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { testFolder } from '../database.js'
import { seeded } from './seed.js'

/** Decides how a run of the writer ends. */
export type Cut = (random: (below: number) => number) => {
  /** `power-cut.ts` ends it after this many writes and syncs. */
  readonly afterFileOperations?: number
  /** SIGKILL ends it after this many acknowledged writes. */
  readonly afterWrites?: number
}

/** How many file operations an open with recovery takes: recovery syncs every file twice. Without it, a tenth. */
const openingOperations = 2430

/** Cuts one run of three while the database opens or recovers, and the others during the writes. */
export const powerCut: Cut = (random) => ({
  afterFileOperations: random(3) === 0 ? 1 + random(openingOperations) : openingOperations + random(400)
})

const writer = fileURLToPath(new URL('../processes/writer.js', import.meta.url))
const powerCutModule = new URL('power-cut.js', import.meta.url).href

/**
 * Runs the writer on one folder and ends it, `rounds` times. Checks after each open that every write that any run has
 * acknowledged is still there.
 */
export async function expectNoLostWrites(t: Test, rounds: number, cut: Cut): Promise<void> {
  const random = seeded(t)
  const dataDir = await testFolder(t)
  let acknowledged = 0
  let opened = 0
  for (let round = 0; round <= rounds; round += 1) {
    const ending = round < rounds ? cut(random) : { afterWrites: 1 }
    const { last, kept } = await runWriter(t, [dataDir, String(acknowledged)], ending)
    // `kept` is undefined if the run ended before the database was open.
    if (kept !== undefined) {
      opened += 1
      if (kept !== acknowledged) t.fail('acknowledged writes are lost', { round, acknowledged, kept })
    }
    acknowledged = last ?? acknowledged
  }
  t.ok(acknowledged > 0, `${acknowledged} acknowledged writes, ${opened} of ${rounds + 1} runs opened, none lost`)
}

async function runWriter(t: Test, args: readonly string[], { afterFileOperations, afterWrites }: ReturnType<Cut>) {
  const imports = afterFileOperations === undefined ? [] : ['--import', powerCutModule]
  const child = spawn(process.execPath, [...imports, writer, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, CUT_AFTER: String(afterFileOperations ?? 0) }
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (afterWrites !== undefined && output.split('\n').length > afterWrites + 1) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'close')
  if (signal !== 'SIGKILL') throw new Error(`The writer ended by itself:\n${errors}`)
  const [first = '', ...numbers] = output
    .slice(0, output.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
  const kept = /^kept (\d+)$/.exec(first)?.[1]
  const last = numbers.at(-1)
  return { kept: kept === undefined ? undefined : Number(kept), last: last === undefined ? undefined : Number(last) }
}
