// Generates the Prisma client without the network, unless it is newer than the schema and the packages. `prisma
// generate` tries to download a schema engine that it does not need; naming any existing file as that engine keeps it
// off line. The variable is set for this one command: with it, `prisma migrate deploy` would apply nothing.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const changedAt = (...path) => statSync(join(root, ...path), { throwIfNoEntry: false })?.mtimeMs ?? 0
const generatedAt = changedAt('src', 'adapters', 'prisma', 'generated', 'client.ts')
const sources = [
  ['prisma', 'schema.prisma'],
  ['node_modules', '.package-lock.json']
]
if (sources.every((source) => changedAt(...source) < generatedAt)) process.exit(0)

const prisma = join(root, 'node_modules', 'prisma', 'build', 'index.js')
const { status } = spawnSync(process.execPath, [prisma, 'generate'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' }
})
process.exit(status ?? 1)
