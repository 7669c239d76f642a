import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { testFolder } from '../database.js'
import { seeded } from './seed.js'

/** How a life of the writer ends. */
export type Cut = (random: (below: number) => number) => {
  /** `power-cut.ts` ends it. */
  readonly afterFileOperations?: number
  /** SIGKILL ends it. */
  readonly afterWrites?: number
}

/** Recovery syncs every file of the cluster, twice; an opening without it is a tenth of that. */
const openingOperations = 2430

/** In one life of three amid the opening, recovery included, and else amid the writes. */
export const powerCut: Cut = (random) => ({
  afterFileOperations: random(3) === 0 ? 1 + random(openingOperations) : openingOperations + random(400)
})

const writer = fileURLToPath(new URL('../processes/writer.js', import.meta.url))
const powerCutModule = new URL('power-cut.js', import.meta.url).href

/**
 * Ends the writer so many times, each time on what the last one left, and checks every time that
 * whatever it has ever told of is there.
 */
export async function keepLedger(t: Test, rounds: number, cut: Cut): Promise<void> {
  const random = seeded(t)
  const dataDir = await testFolder(t)
  let told = 0
  let lives = 0
  for (let round = 0; round <= rounds; round += 1) {
    const { said, kept } = await live(t, [dataDir, String(told)], round < rounds ? cut(random) : { afterWrites: 1 })
    // Cut off before it was open, it had nothing to say.
    if (kept !== undefined) {
      lives += 1
      if (kept !== told) t.fail('acknowledged writes are lost', { round, told, kept })
    }
    told = said ?? told
  }
  t.ok(told > 0, `${told} acknowledged writes, ${lives} lives of ${rounds + 1} opened, none lost`)
}

async function live(t: Test, args: readonly string[], { afterFileOperations, afterWrites }: ReturnType<Cut>) {
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
  const said = numbers.at(-1)
  return { kept: kept === undefined ? undefined : Number(kept), said: said === undefined ? undefined : Number(said) }
}
