import t from 'tap'
import { httpPlugin } from '../../../src/http/plugin.js'
import { shipped } from '../../../src/languages/shipped.js'
import { openTestDatabase } from '../../support/database.js'
import { newHost, openPluginOptions } from '../../support/host.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)
const host = newHost(t)
await host.register(httpPlugin, { ...(await openPluginOptions(t, database)), prefix: '/auth' })
await host.ready()

const places = [
  { name: 'the service', server: app, prefix: '' },
  { name: 'a host that has the plugin under a prefix', server: host, prefix: '/auth' }
]
const policy = [
  ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
  ["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"],
  ["require-trusted-types-for 'script'", "trusted-types 'none'"]
].flat()

/** The addresses that a page, a style sheet or a script loads. */
function addressesIn(text: string, type: string): string[] {
  const pattern = type.includes('html')
    ? /(?:src|href)="([^"]+)"/g
    : type.includes('css')
      ? /url\(([^)]+)\)/g
      : /(?:from |import |import\(|new URL\()["'](\.[^"']+|[^"']+\.svg)["']/g
  return [...text.matchAll(pattern)].map(([, address = '']) => address)
}

for (const { name, server, prefix } of places) {
  for (const page of ['account', 'console']) {
    t.test(`GET /${page} of ${name} is a page with a strict policy`, async (t) => {
      const response = await server.inject(`${prefix}/${page}`)
      t.equal(response.statusCode, 200)
      t.equal(response.headers['content-type'], 'text/html; charset=utf-8')
      t.strictSame(String(response.headers['content-security-policy']).split('; ').sort(), [...policy].sort())
      t.match(response.headers, {
        'cache-control': 'no-cache',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY'
      })
      t.notOk(response.headers['set-cookie'])
      t.notMatch(response.body, /<script(?![^>]+src=)|<style|\s(on\w+|style)=|javascript:/, 'nothing inline')
      t.notMatch(response.body, /https?:\/\//, 'nothing from another origin')
    })

    t.test(`everything that /${page} of ${name} loads is served under the page`, async (t) => {
      const origin = 'http://host.test'
      const seen = new Map<string, string>()
      const waiting = [`${origin}${prefix}/${page}`]
      for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
        if (seen.has(url)) continue
        const { statusCode, headers, body } = await server.inject(new URL(url).pathname)
        const type = String(headers['content-type'])
        t.equal(statusCode, 200, url)
        t.ok(url.startsWith(`${origin}${prefix}/${page}`), 'under the page')
        seen.set(url, type)
        const from = url
        waiting.push(...addressesIn(body, type).map((address) => new URL(address, from).href))
      }
      const assets = `${origin}${prefix}/${page}/assets`
      t.strictSame(Object.fromEntries(seen), {
        [`${origin}${prefix}/${page}`]: 'text/html; charset=utf-8',
        [`${assets}/${page}.js`]: 'text/javascript; charset=utf-8',
        [`${assets}/style.css`]: 'text/css; charset=utf-8',
        ...(page === 'console' && { [`${assets}/console.css`]: 'text/css; charset=utf-8' }),
        [`${assets}/icon.svg`]: 'image/svg+xml',
        [`${assets}/device-icons.svg`]: 'image/svg+xml'
      })
      t.match(
        (await server.inject(`${prefix}/${page}/assets/${page}.js`)).body,
        'createAuthClient',
        'the published client'
      )
    })
  }
}

t.test('an unchanged page is not sent again', async (t) => {
  for (const url of ['/account', '/console/assets/style.css']) {
    const { etag } = (await app.inject(url)).headers
    t.type(etag, 'string')
    const again = await app.inject({ url, headers: { 'if-none-match': String(etag) } })
    t.equal(again.statusCode, 304)
    t.equal(again.body, '')
    t.equal(again.headers.etag, etag)
    t.equal((await app.inject({ url, headers: { 'if-none-match': '"another"' } })).statusCode, 200)
  }
})

t.test('the words of the page are served for each language, under its exact tag', async (t) => {
  for (const [tag, { page }] of shipped) {
    const response = await app.inject(`/account/assets/words-${tag}.json`)
    t.match(response.headers, { 'content-type': /^application\/json/, 'cache-control': 'no-cache', etag: String })
    t.same(response.json(), page)
  }
  for (const tag of ['', 'DE', 'de-AT', '..', 'xx'])
    expectProblem(t, await app.inject(`/account/assets/words-${tag}.json`), 'not_found')
})

t.test('pages answer only GET and HEAD', async (t) => {
  t.equal((await app.inject({ method: 'HEAD', url: '/account' })).statusCode, 200)
  for (const url of ['/account', '/console']) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      expectProblem(t, await app.inject({ method, url }), 'method_not_allowed')
    }
  }
})

t.test('only assets are served under /account/assets', async (t) => {
  for (const path of [
    '',
    'pages/',
    'account.html',
    'account.ts',
    'http/routes/pages.js',
    'http/cookies.js',
    'app.js',
    'pages/../cookies.js',
    '..%2f..%2fapp.js',
    '%2e%2e/%2e%2e/package.json',
    '__proto__',
    'constructor'
  ]) {
    expectProblem(t, await app.inject(`/account/assets/${path}`), 'not_found')
  }
})
