import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Ports } from '../../ports/index.js'
import { Refused } from '../../service/refused.js'
import type { Routes } from '../context.js'
import { describe } from '../describe.js'

/**
 * GET /account and GET /console. The pages contain no data; their scripts call the same routes as every other client.
 * Their addresses are relative, so they work under any prefix.
 */
export const pageRoutes: Routes = (app, { ports }) => {
  app.register(async (scope) => {
    const assets = new Map([...(await readAssets()), ...wordAssets(ports)])
    for (const { name, summary, tag } of pages) {
      const page = await readContent(`${name}.html`)
      const described = describe({ summary, tag, response: { 200: html } })
      scope.get(`/${name}`, described, async (request, reply) => sendContent(request, reply, page))

      scope.get<{ Params: { asset: string } }>(
        `/${name}/assets/:asset`,
        { logLevel: 'warn', schema: { hide: true } },
        async (request, reply) => {
          const asset = assets.get(request.params.asset)
          if (asset === undefined) throw new Refused('not_found')
          return sendContent(request, reply, asset)
        }
      )
    }
  })
}

const pages = [
  { name: 'account', summary: 'The page where users manage their devices and password', tag: 'account' },
  { name: 'console', summary: 'The page for admins', tag: 'admin' }
] as const

const html = { description: 'The page', content: { 'text/html': { schema: Type.String() } } }

const pagesFolder = new URL('../../pages/', import.meta.url)

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json'
}

/** The pages load from and connect to this service only, and cannot turn text into markup. */
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
  // Browsers ask again each time, so a page never runs with the scripts of another version.
  'cache-control': 'no-cache'
}

interface Content {
  readonly type: string
  readonly text: string
  readonly etag: string
}

async function readAssets(): Promise<ReadonlyMap<string, Content>> {
  const names = (await readdir(pagesFolder)).filter((name) => ['.css', '.js', '.svg'].includes(extname(name)))
  return new Map(await Promise.all(names.map(async (name) => [name, await readContent(name)] as const)))
}

/** `words-de.json` for each language: the words of the account page in it, by their keys. */
function wordAssets({ languages }: Pick<Ports, 'languages'>): [string, Content][] {
  return languages.tags.map((tag) => {
    const name = `words-${tag}.json`
    return [name, contentOf(name, JSON.stringify(languages.pageWords(tag)))]
  })
}

async function readContent(name: string): Promise<Content> {
  return contentOf(name, await readFile(new URL(name, pagesFolder), 'utf8'))
}

function contentOf(name: string, text: string): Content {
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`
  return { type: types[extname(name)] ?? 'text/plain', text, etag }
}

function sendContent(request: FastifyRequest, reply: FastifyReply, { type, text, etag }: Content): FastifyReply {
  reply.headers(headers).header('etag', etag)
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  return reply.type(type).send(text)
}
