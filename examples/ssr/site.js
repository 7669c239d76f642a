import Fastify from 'fastify'

/** A site that renders its pages on the server. `latchkey` is what `createServerClient` returns. */
export function buildSite(latchkey) {
  const app = Fastify()
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, async (_request, text) =>
    Object.fromEntries(new URLSearchParams(text))
  )

  app.get('/', async (request, reply) => {
    const { status, auth, setCookies } = await latchkey.authenticate(request)
    reply.headers({ 'content-type': 'text/html', 'cache-control': 'no-store' })
    for (const cookie of setCookies) reply.header('set-cookie', cookie)
    if (status === 'signed_in')
      return page(`<p id="status">signed in</p><p>Hello ${auth.userId}</p>${button('logout')}`)
    if (status === 'signed_out') return page(`<p id="status">signed out</p>${form}`)
    // The page asks once more, with all cookies. Signing in stays possible.
    return page(`<p id="status">unknown</p>${form}<script type="module">${askAgain}</script>`)
  })

  for (const path of ['login', 'register', 'logout']) {
    app.post(`/${path}`, async (request, reply) => {
      const answer = await latchkey.answer(request, path, request.body)
      for (const cookie of answer.headers.getSetCookie()) reply.header('set-cookie', cookie)
      if (answer.ok) return reply.redirect('/', 303)
      reply.code(answer.status).type('text/html')
      return page(`<p id="status">${(await answer.json()).code}</p>${form}`)
    })
  }

  // For scripts: `createAuthClient({ baseURL: '/session' })` of latchkey/client calls these.
  app.post('/session/*', (request) => latchkey.answer(request, request.params['*'], request.body))

  return app
}

const page = (content) =>
  `<!doctype html><html lang="en"><title>A site</title><link rel="icon" href="data:,">${content}`
const button = (path) => `<form method="post" action="/${path}"><button>${path}</button></form>`
const form = `<form method="post" action="/login">
  <input name="email" type="email"><input name="password" type="password">
  <button>login</button><button formaction="/register">register</button>
</form>`
const askAgain = `if ((await fetch('/session/refresh', { method: 'POST' })).ok) location.replace('/')`
