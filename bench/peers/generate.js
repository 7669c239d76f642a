// Generates the Prisma client of the hand-written server, offline as scripts/prisma-generate.js does.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const prisma = join(import.meta.dirname, 'node_modules', 'prisma', 'build', 'index.js')
const { status } = spawnSync(process.execPath, [prisma, 'generate', '--schema', 'schema.prisma'], {
  cwd: import.meta.dirname,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' }
})
process.exit(status ?? 1)
