import { InvalidUrl, readServerUrl } from './server-url.js'

/** A mail server, as a URL names it. */
export interface MailAddress {
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: string | undefined
  /**
   * `smtps` speaks TLS from the beginning. `smtp` changes to TLS if the server offers it (STARTTLS); with a password that
   * is required, except on this machine, because somebody on the way could remove the offer.
   */
  readonly tls: 'always' | 'required' | 'offered'
}

/** Whether only this machine reaches the host. */
export const isLoopback = (host: string) => /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)

/** Reads `smtp://user:password@host:port` and `smtps://…`. Throws `InvalidUrl`. */
export function readMailUrl(text: string): MailAddress {
  const { scheme, hosts, user, password, path, parameters } = readServerUrl(text)
  if (scheme !== 'smtp' && scheme !== 'smtps') throw new InvalidUrl('must begin with smtp:// or smtps://')
  const [host, ...others] = hosts
  if (host === undefined || host.name === '') throw new InvalidUrl('must name a server after smtp://')
  if (others.length > 0) throw new InvalidUrl('names several servers: name one')
  if (path !== undefined || parameters.size > 0) throw new InvalidUrl('must have nothing after the host and the port')
  if ((user === undefined) !== (password === undefined))
    throw new InvalidUrl('must have a user name and a password, or neither')
  const isAlone = password === undefined || isLoopback(host.name)
  return {
    host: host.name,
    // 465 and 587 are for submission (RFC 8314 §3.3, RFC 6409 §3.1).
    port: host.port ?? (scheme === 'smtps' ? 465 : 587),
    user,
    password,
    tls: scheme === 'smtps' ? 'always' : isAlone ? 'offered' : 'required'
  }
}
