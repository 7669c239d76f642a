import type { MailBacklog, Outbox } from '../../ports/mail.js'

const checkMilliseconds = 30_000

/** Reads every 30 s how many mails wait, until `stop` is called. `backlog` returns the newest values, NaN before any. */
export function watchBacklog(outbox: Pick<Outbox, 'backlog'>) {
  let backlog: MailBacklog = { pending: Number.NaN, oldestSeconds: Number.NaN }
  const timer = setInterval(() => void check().catch(() => undefined), checkMilliseconds).unref()

  async function check(): Promise<void> {
    backlog = await outbox.backlog()
  }

  return { check, backlog: () => backlog, stop: () => clearInterval(timer) }
}
