import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, posix } from 'node:path'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Refused } from '../../service/refused.js'
import type { Routes } from '../context.js'
import { describe } from '../describe.js'

/**
 * GET /account and GET /console: pages that hold nothing of anybody. Their scripts call the same
 * routes as every other client. Addresses in them are relative, so that they work under any prefix.
 */
export const pageRoutes: Routes = (app) => {
  app.register(async (scope) => {
    const assets = await readAssets()
    for (const { name, summary, tag } of pages) {
      const page = await readPage(name, assets)
      const schema = describe({ summary, tag, response: { 200: html } })
      scope.get(`/${name}`, { schema }, async (request, reply) => sendContent(request, reply, page))

      scope.get<{ Params: { '*': string } }>(
        `/${name}/assets/*`,
        { logLevel: 'warn', schema: { hide: true } },
        async (request, reply) => {
          const asset = assets.get(request.params['*'])
          if (asset === undefined) throw new Refused('not_found')
          return sendContent(request, reply, asset)
        }
      )
    }
  })
}

const pages = [
  { name: 'account', summary: 'The page where a person sees and ends their devices', tag: 'account' },
  { name: 'console', summary: 'The page for ops', tag: 'admin' }
] as const

const html = { description: 'The page', content: { 'text/html': { schema: Type.String() } } }

const pagesFolder = new URL('../pages/', import.meta.url)

/** What the pages load, under the names by which scripts import each other. */
const assetFolders = { 'http/pages/': pagesFolder, 'client/': new URL('../../client/', import.meta.url) }

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml'
}

/** The pages run what we serve and nothing else, write no markup from text, and ask nobody else anything. */
const headers = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Kept, and asked for anew: a page never runs with scripts of another version.
  'cache-control': 'no-cache'
}

interface Content {
  readonly type: string
  readonly text: string
  readonly etag: string
}

async function readAssets(): Promise<ReadonlyMap<string, Content>> {
  const assets = new Map<string, Content>()
  for (const [place, folder] of Object.entries(assetFolders)) {
    const names = (await readdir(folder)).filter((name) => ['.css', '.js', '.svg'].includes(extname(name)))
    for (const name of names) assets.set(place + name, await readAsset(new URL(name, folder)))
  }
  return assets
}

/** The page, with a link to each module that it will need: they are asked for at once, not one import after the other. */
async function readPage(name: string, assets: ReadonlyMap<string, Content>): Promise<Content> {
  const text = await readFile(new URL(`${name}.html`, pagesFolder), 'utf8')
  const modules = importedBy(`http/pages/${name}.js`, assets)
  const links = [...modules].map((module) => `<link rel="modulepreload" href="${name}/assets/${module}">\n`)
  return content('.html', text.replace('</head>', `${links.join('')}</head>`))
}

/** What the module `name` imports, directly or not, is added to `found`. */
function importedBy(name: string, assets: ReadonlyMap<string, Content>, found = new Set<string>()): Set<string> {
  for (const [, path = ''] of (assets.get(name)?.text ?? '').matchAll(/^(?:import|export) .*'(\..+)'/gm)) {
    const imported = posix.join(posix.dirname(name), path)
    if (found.has(imported)) continue
    found.add(imported)
    importedBy(imported, assets, found)
  }
  return found
}

async function readAsset(file: URL): Promise<Content> {
  return content(extname(file.pathname), await readFile(file, 'utf8'))
}

function content(extension: string, text: string): Content {
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`
  return { type: types[extension] ?? 'text/plain', text, etag }
}

function sendContent(request: FastifyRequest, reply: FastifyReply, { type, text, etag }: Content): FastifyReply {
  reply.headers(headers).header('etag', etag)
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  return reply.type(type).send(text)
}
