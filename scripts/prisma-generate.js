// Generates the Prisma client without the network. `prisma generate` tries to download a schema
// engine that it does not need; naming any existing file as that engine keeps it off line. The
// variable is set for this one command: with it, `prisma migrate deploy` would apply nothing.
import { spawnSync } from 'node:child_process'

const { status } = spawnSync('prisma', ['generate'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  shell: process.platform === 'win32',
  env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' }
})
process.exit(status ?? 1)
