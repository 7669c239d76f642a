import { linkUrl, mailLifeSeconds, retryPauseSeconds } from '../../core/mail.js'
import { inOneLine, MailRefused } from '../../ports/errors.js'
import type { ClaimedMail, Mailer, MailOutcome, MailQueue, Outbox } from '../../ports/mail.js'
import type { Clock, Digest, Log } from '../../ports/runtime.js'
import type { OpaqueTokens } from '../../ports/tokens.js'

/** The content of a mail in one language. */
export interface RenderedMail {
  /** The tag of the language (RFC 5646). */
  readonly language: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Makes the content of a mail. Throws if this version does not know the kind. */
export type RenderMail = (kind: string, locale: string | null, context: MailContext) => RenderedMail

/** What a mail says, and where its links lead. */
export interface MailContext extends Pick<ClaimedMail, 'parameters' | 'recipient'> {
  readonly accountUrl: string
  /** The link that the mail carries, if it carries one. */
  readonly link: string | undefined
}

export interface MailSenderParts {
  readonly outbox: Outbox
  readonly mailer: Mailer
  /** Whether `mailer` only prints mails; false by default. */
  readonly printsOnly?: boolean
  readonly render: RenderMail
  readonly opaqueTokens: Pick<OpaqueTokens, 'issueUnderEach'>
  readonly digest: Digest
  readonly clock: Pick<Clock, 'sleep'>
  readonly log: Log
  readonly accountUrl: string
  /** The domain of Message-IDs. It is the same on all instances and never changes, so a repeated mail keeps its id. */
  readonly domain: string
  readonly timing?: Partial<MailTiming> | undefined
}

interface MailTiming {
  /** How many mails this instance sends at a time. */
  readonly concurrency: number
  /** How long one attempt may take. */
  readonly attemptSeconds: number
  /** For how long a mail belongs to an instance that has stopped. Longer than an attempt. */
  readonly leaseSeconds: number
  /**
   * How long after `wake` this instance looks for new mails: not within the request that wrote them, whose time would
   * show whether there was one.
   */
  readonly wakeSeconds: number
  /** How often this instance looks for mails that are due: those of other instances, and those to be tried again. */
  readonly pollSeconds: number
  /** How long `close` waits for attempts that run. */
  readonly closeSeconds: number
}

const defaultTiming: MailTiming = {
  concurrency: 5,
  attemptSeconds: 60,
  leaseSeconds: 150,
  wakeSeconds: 0.5,
  pollSeconds: 5,
  closeSeconds: 5
}

/** What became of attempts to send: a final outcome, or `failed`, to be tried again. */
const attemptOutcomes = ['sent', 'failed', 'bounced', 'given_up', 'dropped'] as const satisfies readonly (
  | MailOutcome
  | 'failed'
)[]

type AttemptCounts = Readonly<Record<(typeof attemptOutcomes)[number], number>>

export interface MailSender extends MailQueue {
  /** Sends what is due, and resolves when no attempt runs any more. */
  deliverDue(): Promise<void>
  /** What became of the attempts of this process. */
  counts(): AttemptCounts
  /** Begins no more attempts, and waits a moment for those that run. */
  close(): Promise<void>
}

/**
 * Sends the mails of the outbox in the background, a few at a time, until `close` is called. An attempt that fails is
 * repeated after a pause, for a day. A mail goes out once unless something fails: the process between the server's answer
 * and the note of it, or the connection before the answer. Then the copies have the same Message-ID.
 */
export function openMailSender(parts: MailSenderParts): MailSender {
  const { outbox, clock, log } = parts
  const timing = { ...defaultTiming, ...parts.timing }
  const counts = Object.fromEntries(attemptOutcomes.map((outcome) => [outcome, 0])) as Record<
    keyof AttemptCounts,
    number
  >
  const running = new Set<Promise<void>>()
  let claiming: Promise<void> | undefined
  let waking: NodeJS.Timeout | undefined
  let isMoreDue = false
  let closed = false

  /** Fills the free places with mails that are due. */
  async function fill(): Promise<void> {
    do {
      isMoreDue = false
      const free = timing.concurrency - running.size
      if (closed || free <= 0) return
      const claimed = await outbox.claim(free, timing.leaseSeconds)
      for (const mail of claimed) start(mail)
      if (claimed.length === free) isMoreDue = true
    } while (isMoreDue)
  }

  function start(mail: ClaimedMail): void {
    const attempt = deliver(mail).finally(() => {
      running.delete(attempt)
      look()
    })
    running.add(attempt)
  }

  function wake(): void {
    if (closed) return
    waking ??= setTimeout(look, timing.wakeSeconds * 1000).unref()
  }

  /** Looks for mails that are due. */
  function look(): void {
    clearTimeout(waking)
    waking = undefined
    if (closed) return
    if (claiming !== undefined) {
      isMoreDue = true
      return
    }
    // If the database cannot serve, the next poll tries again.
    claiming = fill()
      .catch((error) => log.debug({ reason: inOneLine(error) }, 'The outbox could not be read'))
      .finally(() => {
        claiming = undefined
      })
  }

  async function deliver(mail: ClaimedMail): Promise<void> {
    const about = { mail: mail.id, kind: mail.kind, userId: mail.userId, attempts: mail.attempts }
    const { outcome, error } = await attempt(mail)
    counts[outcome] += 1
    if (outcome === 'sent' || outcome === 'dropped') log.info(about, `mail: ${outcome}`)
    else log.warn({ ...about, reason: error }, `mail: ${outcome}`)
    await insist(() =>
      outcome === 'failed'
        ? outbox.retry(mail, retryPauseSeconds(mail.attempts), error ?? '')
        : outbox.finish(mail, outcome, error)
    )
  }

  async function attempt(
    mail: ClaimedMail
  ): Promise<{ readonly outcome: keyof AttemptCounts; readonly error?: string }> {
    // Used, or dead because the account has changed: nobody needs the mail.
    if (mail.link === 'dead') return { outcome: 'dropped' }
    try {
      await withinSeconds(timing.attemptSeconds, (signal) => send(mail, signal))
      return { outcome: 'sent' }
    } catch (fault) {
      const error = withoutTokens(inOneLine(fault)).slice(0, 500)
      if (fault instanceof MailRefused) return { outcome: 'bounced', error }
      const isLast = mail.ageSeconds + retryPauseSeconds(mail.attempts) > mailLifeSeconds
      return { outcome: isLast ? 'given_up' : 'failed', error }
    }
  }

  async function send({ id, kind, recipient, locale, parameters, ...mail }: ClaimedMail, signal: AbortSignal) {
    const link = mail.link === null || mail.link === 'dead' ? undefined : urlOf(mail.link)
    const content = parts.render(kind, locale, { parameters, recipient, accountUrl: parts.accountUrl, link })
    await parts.mailer({ ...content, messageId: `<${id}@${parts.domain}>`, kind, to: recipient, link }, signal)
  }

  /** The token is that of the root secret under which the link was made. */
  function urlOf({ id, purpose, tokenHash }: Exclude<ClaimedMail['link'], 'dead' | null>): string {
    const token = parts.opaqueTokens
      .issueUnderEach('link', { linkId: id })
      .find((text) => parts.digest(text) === tokenHash)
    if (token === undefined) throw new Error('The link was made under a root secret that is not configured any more.')
    return linkUrl(parts.accountUrl, purpose, token)
  }

  /** Repeats a note while the lease lasts: without it, the mail would be sent a second time. */
  async function insist(note: () => Promise<void>): Promise<void> {
    for (let tries = 0; tries < timing.leaseSeconds - timing.attemptSeconds; tries += 1) {
      try {
        return await note()
      } catch (error) {
        if (closed) return
        log.debug({ reason: inOneLine(error) }, 'What became of a mail could not be written')
        await clock.sleep(1000)
      }
    }
  }

  async function idle(): Promise<void> {
    while (claiming !== undefined || running.size > 0) await Promise.all([claiming, ...running])
  }

  const timer = setInterval(look, timing.pollSeconds * 1000).unref()
  look()

  return {
    isConfigured: true,
    printsOnly: parts.printsOnly ?? false,
    wake,
    counts: () => counts,
    async deliverDue() {
      look()
      await idle()
    },
    async close() {
      clearInterval(timer)
      // A command of the command line ends at once: its mails leave first.
      if (waking !== undefined) {
        look()
        await claiming
      }
      closed = true
      await withinSeconds(timing.closeSeconds, idle).catch(() => undefined)
    }
  }
}

/** Rejects if `work` takes longer. Its signal is then aborted. */
async function withinSeconds<T>(seconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`It took longer than ${seconds} s.`)
      controller.abort(error)
      reject(error)
    }, seconds * 1000)
  })
  try {
    return await Promise.race([work(controller.signal), late])
  } finally {
    clearTimeout(timer)
  }
}

/** A server can repeat a part of the mail in its reply. No token may be stored or logged. */
const withoutTokens = (text: string) => text.replace(/lk_[a-z]{2}_[\w-]*/g, '[redacted]')
