import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import type { Test } from 'tap'

interface ReceivedMail {
  readonly messageId: string
  readonly to: string
  readonly subject: string
  /** The whole mail, decoded as far as its lines were folded. */
  readonly content: string
  /** The one-time link in it; '' without one. */
  readonly link: string
  /** The token of that link. */
  readonly token: string
}

/** What the server does with mails. */
export type Behaviour =
  | 'accepts'
  /** Refuses the recipient for good. */
  | 'refuses'
  /** Refuses the mail for now. */
  | 'is busy'
  /** Takes the mail and never answers. */
  | 'hangs'
  /** Keeps the mail, and never answers. */
  | 'keeps and hangs'
  /** Closes the connection after the mail, before it has kept it. */
  | 'drops'
  /** Keeps the mail, and closes the connection before its answer. */
  | 'keeps and drops'

export interface MailServer {
  /** `MAIL_URL` and `MAIL_FROM`. */
  readonly settings: { readonly MAIL_URL: string; readonly MAIL_FROM: string }
  readonly port: number
  readonly received: readonly ReceivedMail[]
  behaviour: Behaviour
  /** How often a client has connected. */
  connections: number
  /** Resolves to the mail number `index` to `to`, once it has arrived. */
  mailTo(to: string, index?: number): Promise<ReceivedMail>
  /** Stops to listen, as if the machine were away; `back` listens on the same port again. */
  away(): Promise<void>
  back(): Promise<void>
}

/** An SMTP server on a socket of this machine, closed when `t` ends. */
export async function openMailServer(t: Pick<Test, 'teardown'>): Promise<MailServer> {
  const received: ReceivedMail[] = []
  const arrivals = new Set<() => void>()
  let server = start()
  await listening(server, 0)
  const { port } = server.server.address() as AddressInfo
  t.teardown(() => closed(server))

  function start(): SMTPServer {
    return new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 10,
      onConnect(_session, done) {
        state.connections += 1
        done()
      },
      onRcptTo(_address, _session, done) {
        done(state.behaviour === 'refuses' ? replied(550, 'No such person here') : undefined)
      },
      onData(stream, session, done) {
        text(stream).then((content) => {
          const { behaviour } = state
          if (behaviour === 'accepts' || behaviour.startsWith('keeps')) {
            const { rcptTo } = session.envelope
            received.push(readMail(content, rcptTo.map(({ address }) => address).join()))
            for (const arrived of arrivals) arrived()
          }
          if (behaviour === 'drops' || behaviour === 'keeps and drops') {
            for (const connection of server.connections) connection._socket.destroy()
          } else if (!behaviour.endsWith('hangs')) {
            done(behaviour === 'is busy' ? replied(451, 'Try again later') : undefined)
          }
        }, done)
      }
    }).on('error', () => undefined)
  }

  const state: MailServer = {
    settings: { MAIL_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: 'Latchkey <no-reply@auth.test>' },
    port,
    received,
    behaviour: 'accepts',
    connections: 0,
    mailTo: (to, index = 0) =>
      new Promise((resolve) => {
        const arrived = () => {
          const mail = received.filter((each) => each.to === to)[index]
          if (mail === undefined) return
          arrivals.delete(arrived)
          resolve(mail)
        }
        arrivals.add(arrived)
        arrived()
      }),
    away: () => closed(server),
    async back() {
      server = start()
      await listening(server, port)
    }
  }
  return state
}

const replied = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode })

const listening = (server: SMTPServer, port: number) =>
  new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))

const closed = (server: SMTPServer) => new Promise<void>((resolve) => server.close(resolve))

function readMail(raw: string, to: string): ReceivedMail {
  const bytes = raw
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  const content = Buffer.from(bytes, 'latin1').toString()
  const header = (name: string) => new RegExp(`^${name}: (.*)\r$`, 'im').exec(raw)?.[1] ?? ''
  const [link = '', token = ''] = /https?:\/\/\S+?#[a-z-]+=(lk_ot_[\w-]+)/.exec(content) ?? []
  return { messageId: header('message-id'), to, subject: header('subject'), content, link, token }
}
