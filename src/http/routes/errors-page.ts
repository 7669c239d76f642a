import { readFile } from 'node:fs/promises'
import type { Routes } from '../context.js'

/** docs/errors.md relative to this file, in `dist` and in `build`. */
const candidates = ['../../../docs/errors.md', '../../../../docs/errors.md'].map(
  (path) => new URL(path, import.meta.url)
)

/** GET /docs/errors.md: the `type` of every problem points here. */
export const errorsPage: Routes = (app) => {
  app.get('/docs/errors.md', { schema: { hide: true } }, async (_request, reply) => {
    reply.type('text/markdown; charset=utf-8').header('cache-control', 'public, max-age=3600')
    return readFirst(candidates)
  })
}

async function readFirst([path, ...others]: readonly URL[]): Promise<string> {
  if (path === undefined) throw new Error('docs/errors.md is missing from the package.')
  return readFile(path, 'utf8').catch(() => readFirst(others))
}
