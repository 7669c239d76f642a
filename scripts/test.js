// npm test: runs the compiled tests with tap, many files in each process. The core must be covered completely.
//
//   npm test                                   everything
//   npm test -- test/core/rotation.test.ts     this file, without coverage
//   npm test -- test/faults                    this folder; npm run test:faults is short for it
//
// The last line counts the assertions that tap reported.
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { report } from '@tapjs/reporter'
import t, { TapFile } from 'tap'

const root = join(import.meta.dirname, '..')
const coverage = join(root, 'build', 'coverage')
const memory = '/dev/shm'
/** How long a process may take to end after its last file. */
const closeMilliseconds = 10_000

const asked = process.argv.slice(2)
const files = (asked.length > 0 ? asked : ['test']).flatMap(testFiles).sort((a, b) => b.isLong - a.isLong)
/** These stop servers and fill disks: they run one after the other, each as long as it allows itself. */
const areFaults = files.some(({ name }) => name.startsWith('test/faults/'))
const timeout = areFaults ? 3_600_000 : 180_000
const idle = []
const closing = []

class TestFile extends TapFile {
  main(done) {
    this.done = done
    this.child = takeProcess(this.options.kind)
    this.child.files.push(this.name)
    this.child.file = this
    this.setTimeout(timeout + closeMilliseconds)
    this.child.send({ file: this.name, timeout })
  }

  receive({ tap, limit, ended }) {
    if (tap !== undefined) this.parser.write(tap)
    // The file's own timeout comes first. This one is for a process that does not answer.
    if (limit !== undefined) this.setTimeout(limit + closeMilliseconds)
    if (!ended) return
    if (this.points === 0) this.threw(new Error('It has no assertions.'))
    this.parser.end()
    this.child.file = undefined
    leaveProcess(this.child, this.passing())
    this.done()
  }

  timeout(options) {
    super.timeout(options)
    this.child.kill('SIGKILL')
  }
}

// Hundreds of small clusters are made and dropped: in memory, where there is room for them, that costs no disk.
if (existsSync(memory) && freeBytes(memory) > 2 ** 31) process.env.TMPDIR = memory
rmSync(coverage, { recursive: true, force: true })
t.jobs = areFaults ? 1 : 2
t.setTimeout(0)
if (process.stdout.isTTY) await report('base', t, { get: () => undefined })
else printPlainly()

await Promise.all(files.map(({ name, kind }) => t.sub(TestFile, { name, kind, filename: name, buffered: true })))
await Promise.all(closing)
if (existsSync(coverage) && !coversCore()) t.fail('the tests of the core must cover all of it')
t.end()
const leftOut = new Set(t.lists.skip.map(({ skip }) => skip))
process.on('exit', () => {
  for (const reason of leftOut) console.log(`Left out: ${reason}`)
  console.log(`\n${t.counts.pass} passed, ${t.counts.fail} failed`)
})

function testFiles(asked) {
  if (!existsSync(join(root, asked))) {
    console.error(`There is no ${asked}.`)
    process.exit(2)
  }
  const names = asked.endsWith('.ts') ? [asked] : readdirSync(join(root, asked), { recursive: true }).map(nameIn)
  return names.filter(isTest).sort().map(describe)

  function nameIn(file) {
    return join(asked, file).replaceAll('\\', '/')
  }

  function isTest(name) {
    return name.endsWith('.test.ts') && (asked !== 'test' || !name.startsWith('test/faults/'))
  }

  function describe(name) {
    const text = readFileSync(join(root, name), 'utf8')
    const isAlone = name.startsWith('test/faults/') || text.includes('// Runs in a process of its own')
    const isCovered = asked === 'test' && name.startsWith('test/core/')
    return { name, kind: isAlone ? name : isCovered ? 'core' : 'shared', isLong: text.includes('t.setTimeout(') }
  }
}

function freeBytes(folder) {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

function takeProcess(kind) {
  const waiting = idle.findIndex((child) => child.kind === kind)
  if (waiting >= 0) return idle.splice(waiting, 1)[0]
  const child = fork(join(root, 'scripts', 'run-tests.js'), {
    cwd: root,
    // Optimizing PGlite's WebAssembly costs two seconds of CPU, which no test lives long enough to win back.
    execArgv: ['--enable-source-maps', '--liftoff-only'],
    env: { ...process.env, ...(kind === 'core' && { NODE_V8_COVERAGE: coverage }) },
    stdio: ['ignore', 2, 2, 'ipc']
  })
  child.on('message', (message) => {
    if (message.late === undefined) child.file?.receive(message)
    else t.fail(message.late)
  })
  child.on('exit', (code, signal) => {
    if (child.file === undefined) return
    child.file.threw(new Error(`Its process ended with ${signal ?? code} before the file did.`))
    child.file.done()
  })
  return Object.assign(child, { kind, files: [], file: undefined })
}

/** A file that failed may have left anything behind, so no other file runs in its process. */
function leaveProcess(child, passed) {
  if (!passed) return child.kill('SIGKILL')
  if (t.subtests.some((file) => file.options.kind === child.kind)) return idle.push(child)
  closing.push(close(child))
}

/** A process ends by itself when its files have closed all that they opened. */
async function close(child) {
  child.send({ last: true })
  const timer = setTimeout(() => child.kill('SIGKILL'), closeMilliseconds)
  const [code, signal] = await once(child, 'exit')
  clearTimeout(timer)
  if (code !== 0) t.fail(`something was left open (${signal ?? code}) by: ${child.files.join(', ')}`)
}

function coversCore() {
  const c8 = join(root, 'node_modules', 'c8', 'bin', 'c8.js')
  const options = ['--100', '--temp-directory', coverage, '--include', 'src/core/**', '--reporter', 'text']
  return spawnSync(process.execPath, [c8, 'report', ...options], { cwd: root, stdio: 'inherit' }).status === 0
}

/** A line for each file, and what failed in it. */
function printPlainly() {
  t.register()
  t.resume()
  t.on('subtestEnd', (file) => {
    console.log(`${file.passing() ? 'ok' : 'FAILED'} ${file.name} ${(file.time / 1000).toFixed(1)} s`)
    for (const { fullname, name, diag } of file.lists.fail) console.log(`  ${fullname} > ${name}\n${inspect(diag)}`)
  })
}
