import t, { type Test } from 'tap'
import { smtpMailer } from '../../../src/adapters/mail/smtp-mailer.js'
import { readMailUrl } from '../../../src/addresses/mail-url.js'
import { MailRefused } from '../../../src/ports/errors.js'
import type { OutgoingMail } from '../../../src/ports/mail.js'
import { type Behaviour, type MailServer, openMailServer } from '../../support/mail/mail-server.js'

const mail: OutgoingMail = {
  messageId: '<0189f7a4-6d3c-4c55-9b1e-2f60718293a4@auth.test>',
  kind: 'password_reset',
  to: 'ada@example.org',
  language: 'de',
  subject: 'Grüße',
  text: 'Hello\n',
  html: '<p>Hello</p>'
}

const never = new AbortController().signal

function mailerTo({ settings }: MailServer, url = settings.MAIL_URL) {
  return smtpMailer(readMailUrl(url), settings.MAIL_FROM)
}

t.test('a mail arrives with its Message-ID, both contents and its sender', async (t) => {
  const server = await openMailServer(t)
  await mailerTo(server)(mail, never)
  t.match(server.received, [{ messageId: mail.messageId, to: mail.to }])
  const [received] = server.received
  for (const part of [
    'From: Latchkey <no-reply@auth.test>',
    'Hello',
    '<p>Hello</p>',
    'Content-Language: de',
    'Auto-Submitted: auto-generated',
    'X-Auto-Response-Suppress: OOF, AutoReply'
  ]) {
    t.match(received?.content, part)
  }
})

const outcomes: Readonly<Record<Exclude<Behaviour, 'accepts' | 'hangs' | 'keeps and hangs'>, 'final' | 'for now'>> = {
  refuses: 'final',
  'is busy': 'for now',
  drops: 'for now',
  'keeps and drops': 'for now'
}

for (const [behaviour, expected] of Object.entries(outcomes)) {
  t.test(`a server that ${behaviour}: the failure is ${expected}`, async (t) => {
    const server = await openMailServer(t)
    server.behaviour = behaviour as Behaviour
    const error = await failureOf(t, mailerTo(server)(mail, never))
    t.equal(error instanceof MailRefused, expected === 'final')
  })
}

t.test('a server that hangs is left when the signal is aborted', async (t) => {
  const server = await openMailServer(t)
  server.behaviour = 'hangs'
  const controller = new AbortController()
  const sending = mailerTo(server)(mail, controller.signal)
  const poll = setInterval(() => server.connections > 0 && controller.abort(), 20)
  t.teardown(() => clearInterval(poll))
  const error = await failureOf(t, sending)
  t.notOk(error instanceof MailRefused)
})

t.test('a server that is away is a failure for now', async (t) => {
  const server = await openMailServer(t)
  await server.away()
  t.notOk((await failureOf(t, mailerTo(server)(mail, never))) instanceof MailRefused)
})

t.test('a wrong password of the mail server bounces no mail: the operator can correct it', async (t) => {
  const server = await openMailServer(t)
  const url = server.settings.MAIL_URL.replace('smtp://', 'smtp://latchkey:wrong@')
  t.notOk((await failureOf(t, mailerTo(server, url)(mail, never))) instanceof MailRefused)
  t.same(server.received, [])
})

t.test('with a password, a server on another machine that offers no TLS gets neither password nor mail', async (t) => {
  const server = await openMailServer(t)
  const address = { ...readMailUrl('smtp://latchkey:secret@mail.example.com'), host: '127.0.0.1', port: server.port }
  t.equal(address.tls, 'required')
  await failureOf(t, smtpMailer(address, server.settings.MAIL_FROM)(mail, never))
  t.same(server.received, [])
})

t.test('no text of a stranger adds a recipient or a header', async (t) => {
  const server = await openMailServer(t)
  const send = mailerTo(server)
  await send({ ...mail, subject: 'x\r\nBcc: eve@example.org\r\n\r\nbody' }, never)
  await send({ ...mail, to: 'ada@example.org, eve@example.org' }, never).catch(() => undefined)
  await send({ ...mail, to: 'ada@example.org>\r\nRCPT TO:<eve@example.org' }, never).catch(() => undefined)
  for (const { to, content } of server.received) {
    t.not(to, 'eve@example.org')
    t.notMatch(content, /^bcc:/im)
  }
})

async function failureOf(t: Test, sending: Promise<void>): Promise<unknown> {
  try {
    await sending
  } catch (error) {
    return error
  }
  t.fail('the mail was sent')
  return undefined
}
