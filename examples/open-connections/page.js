import { createAuthClient } from 'latchkey/client'

const state = document.querySelector('#state')
const { service } = state.dataset
const auth = createAuthClient({ baseURL: '/auth', origins: [service] })
const renewMilliseconds = 500
const retryMilliseconds = 1000

const [form] = document.forms
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  await auth.login({ email: form.email.value, password: form.password.value })
  for (const origin of [location.origin, service]) {
    void keepOpen(`${origin} socket`, (show) => holdSocket(`${origin.replace('http', 'ws')}/socket`, show))
    void keepOpen(`${origin} events`, (show) => readEvents(`${origin}/events`, show))
  }
})
form.renew.onclick = () => auth.refresh()

auth.onChange(({ status, reason = '' }) => {
  state.textContent = `${status} ${reason}`
})

/** Connects again whenever the connection has closed, until nobody is signed in. */
async function keepOpen(name, connect) {
  const show = (text) => {
    const line = document.createElement('li')
    line.textContent = `${name}: ${text}`
    line.dataset.at = Date.now()
    document.querySelector('ul').append(line)
  }
  for (;;) {
    try {
      const refused = await connect(show)
      // `refused` is no longer good, so this refreshes, which says whether the session goes on.
      if ((await auth.getAccessToken(refused)) === undefined) return
    } catch (error) {
      show(error.message)
    }
    await new Promise((resolve) => setTimeout(resolve, retryMilliseconds))
  }
}

/** Holds a socket that outlives its first token. Resolves with the last token when it has closed. */
function holdSocket(address, show) {
  return new Promise((resolve) => {
    const socket = new WebSocket(address)
    let sent
    const sendToken = async () => {
      // The client renews a token that is in use before it expires.
      const token = await auth.getAccessToken().catch(() => undefined)
      if (token === undefined || token === sent || socket.readyState !== WebSocket.OPEN) return
      sent = token
      socket.send(token)
    }
    const renewing = setInterval(sendToken, renewMilliseconds)
    socket.onopen = sendToken
    socket.onmessage = ({ data }) => show(data)
    socket.onclose = ({ code, reason }) => {
      clearInterval(renewing)
      show(`closed, ${reason}`)
      resolve(code === 4401 ? sent : undefined)
    }
  })
}

/** Reads events until the stream ends. Resolves with the token with which it began. */
async function readEvents(address, show) {
  const token = await auth.getAccessToken()
  const { body } = await auth.fetch(address)
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return token
    show(value.replace('event: end\ndata:', 'closed,').replace('data: ', '').trim())
  }
}
