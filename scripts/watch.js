// node scripts/watch.js <script> [arguments]: compiles and runs the script, and does so again after every save.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, watch } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const compiler = join(root, 'scripts', 'compile.js')
const script = process.argv.slice(2)
const watched = new Set()
let running
let saved
let turn = start()

process.once('SIGTERM', () => {
  running?.kill()
  process.exit()
})

async function start() {
  watchFolders()
  const [[status]] = await Promise.all([once(node(compiler), 'exit'), stop(running)])
  if (status === 0) running = node('--enable-source-maps', '--liftoff-only', ...script)
}

function node(...args) {
  return spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
}

async function stop(child) {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}

/** One watcher for each folder: Linux has no recursive ones, and a watched file is lost when an editor replaces it. */
function watchFolders() {
  for (const folder of ['src', 'test', 'prisma'].flatMap((name) => foldersIn(join(root, name)))) {
    // Compiling writes the generated folder.
    if (watched.has(folder) || folder.endsWith('generated')) continue
    watched.add(folder)
    watch(folder, onSave).on('error', () => watched.delete(folder))
  }
}

function foldersIn(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return [folder, ...entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))]
}

/** Waits a moment, because one save is often several events. */
function onSave() {
  clearTimeout(saved)
  saved = setTimeout(() => {
    turn = turn.then(start)
  }, 50)
}
