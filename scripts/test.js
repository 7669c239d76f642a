// npm test: runs the compiled tests with tap. The core must be covered whole.
//
//   npm test                                   everything
//   npm test -- test/core/rotation.test.ts     these files
//   npm test -- test/faults                    this folder; npm run test:faults is short for it
//
// The last line counts the assertions that tap reported.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { Parser } from 'tap-parser'

const root = join(import.meta.dirname, '..')
const bin = join(root, 'node_modules', '.bin')
const results = join(root, 'build', 'results')
const realServices = ['TEST_DATABASE_URL', 'TEST_REDIS_URL']

rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })

// Hundreds of small clusters are made and dropped: in memory, where there is room for them, that costs no disk.
const memory = '/dev/shm'
if (existsSync(memory) && freeBytes(memory) > 2 ** 31) process.env.TMPDIR = memory

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !existsSync(join(root, name)))
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}.`)
  process.exit(2)
}
const files = (asked.length > 0 ? asked : ['test']).flatMap((name) => (name.endsWith('.ts') ? [name] : testFiles(name)))
const ofCore = files.filter((file) => file.startsWith('test/core/'))
const others = files.filter((file) => !ofCore.includes(file))
const passes = [
  ofCore.length === 0 ||
    runCore(ofCore, asked.length > 0 ? '--disable-coverage' : '--coverage-map=scripts/coverage-map.js'),
  others.length === 0 || (await runOthers(others))
]

for (const name of realServices.filter((name) => process.env[name] === undefined)) {
  console.log(`${name} is not set: left out what needs the real server.`)
}
const { chromiumPath } = await import('../build/test/support/browser/chromium.js')
if (chromiumPath === undefined) console.log('There is no Chromium (CHROMIUM_PATH): left out what needs a browser.')
const { passed, failed } = await count()
// tap ends with a terminal's escape sequence and no line break: whoever reads the last line looks for it alone.
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = passes.every(Boolean) && failed === 0 ? 0 : 1

function freeBytes(folder) {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

function testFiles(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts') && (folder !== 'test' || !file.startsWith('test/faults/')))
    .sort()
}

function compiled(files) {
  return files.map((file) => join('build', file.replace(/\.ts$/, '.js')))
}

/** Coverage, where it is asked for, must be complete. */
function runCore(files, coverage) {
  // They are JavaScript by now: the variable keeps tap from loading a TypeScript compiler into each of them.
  const options = ['--jobs=2', '--reporter=terse', '--test-env=TAP_TYPE_STRIP_ONLY=1', coverage]
  const output = `--output-file=${join(results, 'core.tap')}`
  return run(join(bin, 'tap'), ['run', ...options, output, ...compiled(files)], true) === 0
}

/** Their TAP goes to a file, and to tap for people to read. */
async function runOthers(files) {
  const tests = spawn(process.execPath, [join(root, 'scripts', 'run-tests.js'), ...compiled(files)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const reader = spawn(join(bin, 'tap'), ['run', '--reporter=terse', '--disable-coverage', '--timeout=0', '-'], {
    cwd: root,
    stdio: ['pipe', 'inherit', 'inherit'],
    shell: process.platform === 'win32'
  })
  tests.stdout.pipe(createWriteStream(join(results, 'others.tap')))
  tests.stdout.pipe(reader.stdin)
  const [[status]] = await Promise.all([once(tests, 'close'), once(reader, 'close')])
  return status === 0
}

function run(command, args, mayFail = false) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0 && !mayFail) process.exit(status ?? 1)
  return status ?? 1
}

/** Counts the assertions of every file, whatever subtests they lie in. */
async function count() {
  let passed = 0
  let failed = 0
  for (const file of readdirSync(results)) {
    await new Promise((resolve, reject) => {
      const parser = new Parser(resolve)
      listen(parser)
      createReadStream(join(results, file)).on('error', reject).pipe(parser)
    })
  }
  return { passed, failed }

  function listen(parser) {
    let subtests = 0
    parser.on('child', (child) => {
      subtests += 1
      listen(child)
    })
    parser.on('assert', (assertion) => {
      // A subtest's own line only repeats what its assertions said.
      const repeats = subtests > 0
      subtests = 0
      if (!assertion.ok && !assertion.todo && !assertion.skip) failed += repeats ? 0 : 1
      else if (!repeats && !assertion.skip) passed += 1
    })
  }
}
