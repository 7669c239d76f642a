import { type LinkPurpose, linkUrl } from '../../core/mail.js'
import type { LiveLink, NewLink, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'

export type LinkPorts = Pick<Ports, 'entropy' | 'opaqueTokens' | 'digest' | 'accountUrl'>

/**
 * A new link, for `LinkStore.create`, and its address. The address holds the token: give it only to an admin who asked for
 * it. A mail needs just the link's id.
 */
export function makeLink(
  ports: LinkPorts,
  made: Omit<NewLink, 'id' | 'tokenHash'>
): { readonly link: NewLink; readonly url: string } {
  const id = ports.entropy.uuid()
  const token = ports.opaqueTokens.issue('link', { linkId: id })
  const url = linkUrl(ports.accountUrl, made.purpose, token)
  return { link: { ...made, id, tokenHash: ports.digest(token) }, url }
}

/**
 * The link of a token, if it has one of `purposes` and can still be used. Refuses any other with one answer, so that
 * nobody learns whether a link ever existed. An invented token costs no query.
 */
export async function openLink(
  ports: Pick<Ports, 'opaqueTokens' | 'digest' | 'links'>,
  token: string,
  purposes: readonly LinkPurpose[]
): Promise<LiveLink> {
  const opened = ports.opaqueTokens.open('link', token)
  const link = opened && (await ports.links.find({ id: opened.linkId, tokenHash: ports.digest(token) }, purposes))
  return link ?? refuseLink()
}

export function refuseLink(): never {
  throw new Refused('invalid_or_expired_token', {
    detail: 'The link has been used, has expired or is not complete. Ask for a new one.'
  })
}
