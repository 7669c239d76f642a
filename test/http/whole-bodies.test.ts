import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'

const routes = new URL('../../src/http/routes/', import.meta.url)

/** The document is the body, and `requestedSession` reads two members. */
const mayTakeAll = ['patchProfile(ports, requestAuth(request), request.body', 'requestedSession(request, request.body']

t.test('a route names the members that it hands on: a body may have more than its schema says', async (t) => {
  const found = []
  for (const name of await readdir(routes, { recursive: true })) {
    if (!name.endsWith('.js')) continue
    const text = mayTakeAll.reduce(
      (left, use) => left.replaceAll(use, ''),
      await readFile(new URL(name, routes), 'utf8')
    )
    if (/\.\.\.request\.body|[(,:] ?request\.body[,) }]/.test(text)) found.push(name)
  }
  // `withoutEmpty` of token.js returns the form, of which the route takes each member.
  t.strictSame(found.sort(), ['services/token.js'])
})
