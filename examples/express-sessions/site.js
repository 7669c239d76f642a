import express from 'express'

/**
 * A site that renders its pages on the server. Latchkey replaces express-session: the session store, its secret, the table
 * of passwords and `req.session.regenerate` are gone. The site passes Latchkey's cookie on and asks Latchkey for the user.
 */
export function buildSite(latchkey) {
  const app = express()
  app.use(express.urlencoded())

  // Before: app.use(session({ store, secret, … })), and req.session.userId.
  app.use(async (request, _, next) => {
    const answer = await fetch(`${latchkey}/me`, { headers: browserHeaders(request) })
    if (!answer.ok && answer.status !== 401) throw new Error(`Latchkey answered ${answer.status}`)
    request.user = answer.ok ? await answer.json() : undefined
    next()
  })

  app.get('/', ({ user }, response) => {
    response.send(user ? `<p>Hello ${escaped(user.email)}</p>` : '<form method="post" action="/login">…</form>')
  })

  // Before: bcrypt.compare, then req.session.regenerate against session fixation. Now every login is a new session.
  app.post('/login', async (request, response) => {
    const { email, password } = request.body
    const answer = await fetch(`${latchkey}/login`, {
      method: 'POST',
      headers: { ...browserHeaders(request), 'content-type': 'application/json' },
      body: JSON.stringify({ email, password, mode: 'session' })
    })
    passCookies(answer, response)
    if (answer.ok) return response.redirect(303, '/')
    response.status(answer.status).send(`<p>${escaped((await answer.json()).title)}</p>`)
  })

  // Before: req.session.destroy.
  app.post('/logout', async (request, response) => {
    const answer = await fetch(`${latchkey}/logout`, { method: 'POST', headers: browserHeaders(request) })
    passCookies(answer, response)
    response.redirect(303, '/')
  })

  return app
}

/** The browser's headers that Latchkey needs: the cookie, the origin, and the name for the list of devices. */
function browserHeaders({ headers }) {
  const names = ['cookie', 'origin', 'sec-fetch-site', 'user-agent']
  return Object.fromEntries(names.filter((name) => headers[name]).map((name) => [name, headers[name]]))
}

function passCookies(answer, response) {
  for (const cookie of answer.headers.getSetCookie()) response.append('set-cookie', cookie)
}

function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
