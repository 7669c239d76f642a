// Installs the packed packages beside hosts of several Fastify versions, and compiles there, strictly, what hosts write:
// the apps of this folder, and each snippet of the README and of the pages about plugin, verifier, client and tests. Then
// starts the apps. The argument is the folder of the tarballs; by default it packs them. `--all` compiles each host with each
// TypeScript and each way to resolve modules; otherwise each of these is met at least once.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'

const here = import.meta.dirname
const root = dirname(dirname(here))
const { values, positionals } = parseArgs({ allowPositionals: true, options: { all: { type: 'boolean' } } })

/** Each with the version of @types/node beside it. */
const fastifyVersions = { '5.0': '20', 5.6: '22', latest: 'latest' }
const compilers = ['5.4', '5.6', '5.9', '6', '7']
const resolutions = {
  nodenext: { module: 'nodenext', exactOptionalPropertyTypes: true },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  node10: { module: 'esnext', moduleResolution: 'node10', esModuleInterop: true }
}

/** The kinds of apps, each of which replaces `Fastify()` in plugin/app.ts and verifier/app.ts. */
const pino = "import { pino } from 'pino'\n"
const typebox = "import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'\n"
const apps = {
  http1: ['', 'Fastify()'],
  http2: ['', 'Fastify({ http2: true })'],
  https: ['', 'Fastify({ https: {} })'],
  'http2-secure': [pino, "Fastify({ http2: true, https: {}, loggerInstance: pino({ level: 'silent' }) })"],
  'own-logger': [pino, "Fastify({ loggerInstance: pino({ level: 'silent' }) })"],
  typebox: [typebox, 'Fastify().withTypeProvider<TypeBoxTypeProvider>()']
}

/** The first combination of a host also compiles what is started. @types/node supports TypeScripts of the last two years. */
const hostCombinations = values.all
  ? Object.keys(fastifyVersions).flatMap((fastify) =>
      combinations(fastify === 'latest' ? compilers.slice(2) : compilers, fastify)
    )
  : [
      { fastify: '5.0', compiler: '5.4', resolution: 'nodenext' },
      { fastify: '5.6', compiler: '5.6', resolution: 'nodenext' },
      { fastify: 'latest', compiler: '5.9', resolution: 'nodenext' },
      { fastify: '5.0', compiler: '7', resolution: 'bundler' },
      { fastify: '5.6', compiler: '5.9', resolution: 'node10' },
      { fastify: 'latest', compiler: '6', resolution: 'bundler' }
    ]
const smallCombinations = values.all
  ? combinations(compilers)
  : [
      { compiler: '5.4', resolution: 'node10' },
      { compiler: '5.9', resolution: 'nodenext' },
      { compiler: '7', resolution: 'bundler' }
    ]

const work = mkdtempSync(join(tmpdir(), 'latchkey-types-'))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(1))
process.on('SIGTERM', () => process.exit(1))

const tarballs = await packed(positionals[0])
const compilersFolder = workspace('compilers')
const hosts = Object.fromEntries(Object.keys(fastifyVersions).map((version) => [version, hostWith(version)]))
const small = {
  'no-fastify': { folder: workspace('no-fastify', ['server.ts']), lib: ['ES2023'], types: ['node'] },
  browser: { folder: workspace('browser', ['page.ts']), lib: ['ES2022', 'DOM'], types: [] },
  phone: { folder: workspace('phone', ['app.ts', 'globals.d.ts']), lib: ['ES2022'], types: [] }
}

const failures = []
await inParallel([
  () =>
    install(
      compilersFolder,
      compilers.map((version) => `typescript-${version}@npm:typescript@${version}`)
    ),
  ...Object.entries(fastifyVersions).map(
    ([fastify, node]) =>
      () =>
        install(hosts[fastify], [
          tarballs.latchkey,
          `fastify@${fastify === 'latest' ? fastify : `~${fastify}.0`}`,
          `@types/node@${node}`,
          ...['pino', '@fastify/type-provider-typebox', 'typebox', 'axios', 'jose']
        ])
  ),
  () => install(small['no-fastify'].folder, [tarballs['latchkey-verifier'], '@types/node@20']),
  () => install(small.browser.folder, [tarballs['latchkey-client']]),
  () => install(small.phone.folder, [tarballs['latchkey-client']])
])
if (existsSync(join(small['no-fastify'].folder, 'node_modules', 'fastify')))
  throw new Error('It must be without Fastify.')

const started = new Set()
await inParallel([
  ...hostCombinations.map((combination) => async () => {
    const folder = hosts[combination.fastify]
    const first = !started.has(folder)
    started.add(folder)
    const ofPlugin = { ...combination, lib: ['ES2023', 'DOM', 'DOM.Iterable'], emit: first }
    const ofVerifier = { ...combination, lib: ['ES2023'] }
    const plugin = project(folder, 'plugin', ofPlugin)
    const withTypebox = project(folder, 'plugin', { ...ofPlugin, typebox: true })
    if ((await compile(folder, withTypebox, combination)) && (await compile(folder, plugin, combination))) {
      const files = Object.keys(apps).map((name) => `${name}.js`)
      if (first) await attempt(`ask fastify ${combination.fastify}`, folder, ['ask.js', join(folder, 'out'), ...files])
    }
    await compile(folder, project(folder, 'verifier', ofVerifier), combination)
    await compile(folder, project(folder, 'verifier', { ...ofVerifier, typebox: true }), combination)
  }),
  ...Object.values(small).flatMap(({ folder, ...options }) =>
    smallCombinations.map(
      (combination) => () => compile(folder, project(folder, 'src', { ...combination, ...options }), combination)
    )
  )
])
if (failures.length > 0) {
  console.error(`Failed: ${failures.join(' · ')}`)
  process.exitCode = 1
}

/** All pairs of these compilers and the resolutions that they have. */
function combinations(compilers, fastify) {
  return compilers.flatMap((compiler) =>
    Object.keys(resolutions)
      .filter((resolution) => !(compiler === '7' && resolution === 'node10'))
      .map((resolution) => ({ fastify, compiler, resolution }))
  )
}

async function packed(folder) {
  const target = folder ?? join(work, 'packed')
  if (folder === undefined) await run(root, process.execPath, ['scripts/pack-all.js', target])
  const names = readdirSync(target)
  const find = (pattern) => join(target, names.find((name) => pattern.test(name)) ?? fail(`There is no ${pattern}.`))
  return {
    latchkey: find(/^latchkey-\d.*\.tgz$/),
    'latchkey-client': find(/^latchkey-client-.*\.tgz$/),
    'latchkey-verifier': find(/^latchkey-verifier-.*\.tgz$/)
  }
}

/** An empty package with the files of the folder of that name. */
function workspace(name, files = []) {
  const folder = join(work, name)
  mkdirSync(join(folder, 'src'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  for (const file of files) cpSync(join(here, name, file), join(folder, 'src', file))
  return folder
}

function hostWith(fastify) {
  const folder = workspace(`fastify-${fastify}`)
  cpSync(join(here, 'ask.js'), join(folder, 'ask.js'))
  for (const room of ['plugin', 'verifier']) {
    cpSync(join(here, room), join(folder, room), { recursive: true })
    cpSync(join(here, 'snippets'), join(folder, room), { recursive: true })
    const template = readFileSync(join(here, room, 'app.ts'), 'utf8')
    for (const [name, [imports, app]] of Object.entries(apps)) {
      writeFileSync(join(folder, room, `${name}.ts`), imports + template.replace('= Fastify()', `= ${app}`))
    }
  }
  for (const page of ['README.md', 'docs/plugin.md', 'docs/verifier.md', 'docs/client.md', 'docs/testing.md']) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [i, [, language, code]] of [...text.matchAll(/^```(js|ts)\n(.*?)^```$/gms)].entries()) {
      const room = page === 'docs/verifier.md' || code.includes("'latchkey/verifier'") ? 'verifier' : 'plugin'
      // Without an export, the compiler would take a snippet without imports for a script.
      writeFileSync(join(folder, room, `${page.replaceAll(/\W/g, '-')}-${i + 1}.${language}`), `${code}export {}\n`)
    }
  }
  return folder
}

/**
 * Writes the compiler's options for the files of `room`: for those that use TypeBox, or for all others. The compiler takes
 * three times as long to check TypeBox's own types as for all the rest, and our types import none of them.
 */
function project(folder, room, { compiler, resolution, lib, types = ['node'], emit = false, typebox = false }) {
  const options = {
    ...resolutions[resolution],
    ...(compiler === '6' && resolution === 'node10' && { ignoreDeprecations: '6.0' }),
    ...{ target: 'es2022', lib, types, strict: true, skipLibCheck: typebox, allowJs: true, checkJs: true },
    ...(emit ? { rootDir: room, outDir: 'out' } : { noEmit: true })
  }
  const file = `${room}${typebox ? ' with TypeBox' : ''}-${compiler}-${resolution}.json`
  const files = typebox ? { include: [`${room}/typebox*`] } : { include: [room], exclude: [`${room}/typebox*`] }
  writeFileSync(join(folder, file), JSON.stringify({ compilerOptions: options, ...files }))
  return file
}

function install(folder, packages) {
  return run(folder, 'npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--silent', ...packages])
}

function compile(folder, project, { fastify, compiler, resolution }) {
  const tsc = join(compilersFolder, 'node_modules', `typescript-${compiler}`, 'lib', 'tsc.js')
  const of = fastify === undefined ? folder.slice(work.length + 1) : `fastify ${fastify}, ${project.split('-')[0]}`
  return attempt(`${of}: TypeScript ${compiler}, ${resolution}`, folder, [tsc, '-p', project])
}

/** Runs a script. Prints whether it passed. */
async function attempt(name, folder, args) {
  const from = Date.now()
  try {
    await run(folder, process.execPath, args)
    console.log(`${name}: passed in ${Math.round((Date.now() - from) / 1000)} s`)
    return true
  } catch (error) {
    console.error(`${name}: FAILED\n${error.message}`)
    failures.push(name)
    return false
  }
}

/** Rejects with what the command printed if it fails. */
function run(cwd, command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (printed += text))
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args[0]}: ${code}\n${printed}`))
    )
  })
}

/** Two at a time, in this order. */
async function inParallel(jobs) {
  const open = jobs.values()
  const worker = async () => {
    for (const job of open) await job()
  }
  await Promise.all([worker(), worker()])
}

function fail(message) {
  throw new Error(message)
}
