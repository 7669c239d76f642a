import { createTransport } from 'nodemailer'
import type { MailAddress } from '../../addresses/mail-url.js'
import { MailRefused } from '../../ports/errors.js'
import type { Mailer } from '../../ports/mail.js'

/** How long a silent mail server is waited for. */
const silenceMilliseconds = 20_000

/**
 * Sends mails to an SMTP server, each over a connection of its own: nothing is sent a second time unless the sender asks
 * for it. A server that accepts the connection and is silent is given up after a while.
 */
export function smtpMailer({ host, port, user, password, tls }: MailAddress, from: string): Mailer {
  const transport = createTransport({
    host,
    port,
    secure: tls === 'always',
    requireTLS: tls === 'required',
    ...(user !== undefined && { auth: { user, pass: password } }),
    connectionTimeout: silenceMilliseconds,
    greetingTimeout: silenceMilliseconds,
    dnsTimeout: silenceMilliseconds,
    socketTimeout: silenceMilliseconds,
    // Mails are made of templates and of texts that strangers choose: nothing in them is read from a file or fetched.
    disableFileAccess: true,
    disableUrlAccess: true
  })

  return async ({ to, messageId, language, subject, text, html }, signal) => {
    const headers = {
      'content-language': language,
      // So that no autoresponder answers (RFC 3834 §5). Exchange reads the second header.
      'auto-submitted': 'auto-generated',
      'x-auto-response-suppress': 'OOF, AutoReply'
    }
    try {
      // As an object, so that an address is never read as a list of addresses.
      await transport.sendMail({ from, to: { name: '', address: to }, messageId, subject, text, html, headers, signal })
    } catch (error) {
      throw isFinal(error) ? new MailRefused(messageOf(error), { cause: error }) : error
    }
  }
}

/** The replies that only say that this client has not logged in (RFC 4954 §6): the operator can change that. */
const notLoggedIn: ReadonlySet<unknown> = new Set([530, 534, 535, 538])

/**
 * Whether the server refused this recipient or this mail for good. A refused login or sender is the fault of the settings,
 * and other mails would be refused too: those are tried again.
 */
function isFinal(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error) || !('command' in error)) return false
  const { responseCode: code, command } = error
  if (typeof code !== 'number' || code < 500 || code > 599 || code === 503 || notLoggedIn.has(code)) return false
  return command === 'RCPT TO' || command === 'DATA'
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
