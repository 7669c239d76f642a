// npm test: runs the compiled tests with tap, many files in one process. The core must be covered completely.
//
//   npm test                                   everything
//   npm test -- test/core/email.test.ts     this file, without coverage
//   npm test -- test/faults                    this folder; npm run test:faults is short for it
//
// The last line counts the assertions that tap reported.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { report } from '@tapjs/reporter'
import t from 'tap'

process.chdir(join(import.meta.dirname, '..'))
const coverage = join('build', 'coverage')
const memory = '/dev/shm'
const asked = process.argv.slice(2)
const files = (asked.length > 0 ? asked : ['test']).flatMap(testFiles)
const unfinished = new Set(files)
/** These stop servers and fill disks: they run one after the other, each as long as it allows itself. */
const areFaults = files.some((file) => file.startsWith('test/faults/'))
const says = (file, text) => readFileSync(file, 'utf8').includes(text)
const alone = files.filter((file) => areFaults || says(file, '// Runs in a process of its own:'))
const core = files.filter((file) => asked.length === 0 && file.startsWith('test/core/'))
const others = files.filter((file) => !alone.includes(file) && !core.includes(file))
// A file that sets its own time limit takes long.
const longestFirst = others.sort((a, b) => says(b, 't.setTimeout(') - says(a, 't.setTimeout('))

// Hundreds of small clusters are made and dropped: in memory, where there is room for them, that costs no disk.
if (existsSync(memory) && freeBytes(memory) > 2 ** 31) process.env.TMPDIR = memory
t.jobs = areFaults ? 1 : 2
t.setTimeout(0)
const total = count(t.parser)
/** The files for each process, by its name. */
const queues = new Map()
t.on('spawn', (child) => feed(child, queues.get(child.name)))
if (process.stdout.isTTY) await report('terse', t, { get: () => undefined })
else {
  t.register()
  t.on('spawn', (child) => child.parser.on('fail', printFailure))
  // What failed in a process is printed by now.
  t.on('complete', () =>
    t.lists.fail.filter(({ name, fullname }) => fullname === `TAP > ${name}`).forEach(printFailure)
  )
  t.resume()
}
await Promise.all([
  ...(asked.length === 0 ? [coverCore()] : []),
  ...alone.map((file) => startProcess(`only ${file}`, [file])),
  ...['process 1', 'process 2'].slice(0, others.length).map((name) => startProcess(name, longestFirst))
])
if (files.length === 0) t.fail(`there is no test in ${asked.join(', ')}`, { at: null })
for (const file of unfinished) t.fail(`${file} did not finish`, { at: null })
t.end()
process.on('exit', () => {
  const reasons = new Set(t.lists.skip.map(({ skip }) => skip))
  // A process that found the queue empty.
  reasons.delete('no tests found')
  // tap's report for terminals has replaced `console` by now.
  for (const reason of reasons) process.stdout.write(`Left out: ${reason}\n`)
  process.stdout.write(`\n${total.passed} passed, ${t.passing() ? 0 : Math.max(1, total.failed)} failed\n`)
})

function testFiles(name) {
  if (name.endsWith('.ts')) return [name]
  return readdirSync(name, { recursive: true })
    .map((file) => join(name, file).replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.test.ts') && (name !== 'test' || !file.startsWith('test/faults/')))
    .sort()
}

function freeBytes(folder) {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** The process takes files from `queue`, one after the other, until none is left. */
async function startProcess(name, queue, env) {
  if (queue.length === 0) return
  queues.set(name, queue)
  // Optimizing PGlite's WebAssembly costs two seconds of CPU, which no test lives long enough to win back.
  const args = ['--enable-source-maps', '--liftoff-only', 'scripts/run-tests.js']
  const limit = { TAP_TIMEOUT: areFaults ? '3600' : '180' }
  await t.spawn(process.execPath, args, { name, buffered: true, env: { ...process.env, ...limit, ...env } })
}

function feed(child, queue) {
  const ran = []
  let assertions
  child.on('process', (running) => {
    running.on('message', ({ isIdle }) => isIdle && running.send({ file: queue.shift() }, () => undefined))
  })
  child.parser.on('child', (file) => {
    ran.push(file.name)
    assertions = count(file)
  })
  child.parser.on('assert', ({ name, ok, time }) => {
    if (!unfinished.delete(name)) return
    console.log(`${ok ? 'ok' : 'FAILED'} ${name} ${(time / 1000).toFixed(1)} s`)
    if (Object.values(assertions).every((number) => number === 0)) t.fail(`${name} has no assertions`, { at: null })
  })
  child.on('complete', () => child.passing() || console.log(`FAILED ${child.name}, which ran ${ran.join(', ')}`))
}

/** Counts assertions. A subtest's own line only repeats what its assertions said. */
function count(parser, total = { passed: 0, failed: 0, skipped: 0 }) {
  let repeats = false
  parser.on('child', (child) => {
    repeats = true
    count(child, total)
  })
  parser.on('assert', ({ ok, skip, todo }) => {
    if (!repeats) total[skip ? 'skipped' : ok || todo ? 'passed' : 'failed'] += 1
    repeats = false
  })
  return total
}

function printFailure({ fullname, diag }) {
  const { at, source, ...details } = diag ?? {}
  console.log(`${fullname}:`, inspect(details))
}

async function coverCore() {
  rmSync(coverage, { recursive: true, force: true })
  // tap's own coverage would reset the counters that V8 writes.
  await startProcess('the core', core, { NODE_V8_COVERAGE: coverage, _TAPJS_PROCESSINFO_COVERAGE_: '0' })
  const options = ['--all', '--src', 'build/src/core', '--include', 'build/src/core/**', '--temp-directory', coverage]
  const c8 = ['node_modules/c8/bin/c8.js', 'report', '--100', '--reporter', 'text', '--skip-full', ...options]
  const { status } = spawnSync(process.execPath, c8, { stdio: 'inherit' })
  if (status !== 0) t.fail('the tests of the core must cover all of it', { at: null })
}
